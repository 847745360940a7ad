DELETE FROM handovers WHERE person_id = ANY ($1)
