SELECT journey, state FROM runs ORDER BY person_id, number
