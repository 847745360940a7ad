SELECT person_id FROM events WHERE id = $1
