SELECT person_id, n FROM persons WHERE person_id > $1 ORDER BY person_id LIMIT $2
