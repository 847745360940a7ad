INSERT INTO handovers (person_id, winner, at, plans, state) VALUES ($1, $2, $3, $4, $5)
