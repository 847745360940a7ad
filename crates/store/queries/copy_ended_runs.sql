COPY ended_runs (person_id, number, journey, plan, key, started_at, entered_at, ended_at, reason, held_out, first_send,
                 goal_at, goal_value, state)
FROM STDIN (FORMAT binary)
