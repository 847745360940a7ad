SELECT number, journey, plan, step, started_at, state FROM runs WHERE person_id = $1 ORDER BY number
