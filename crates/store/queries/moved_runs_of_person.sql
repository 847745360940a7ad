SELECT number, winner, becomes FROM moved_runs WHERE person_id = $1 ORDER BY number
