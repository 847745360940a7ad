SELECT person_id, state FROM handovers WHERE person_id = ANY ($1)
