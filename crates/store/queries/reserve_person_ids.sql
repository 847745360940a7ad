SELECT nextval('person_ids') FROM generate_series(1, $1)
