COPY runs (person_id, number, journey, plan, step, started_at, state) FROM STDIN (FORMAT binary)
