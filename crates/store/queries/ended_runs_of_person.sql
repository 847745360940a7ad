SELECT number, journey, plan, key, started_at, entered_at, ended_at, reason, held_out, first_send, goal_at, goal_value,
       state
FROM ended_runs
WHERE person_id = $1
ORDER BY number
