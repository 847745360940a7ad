-- Which of these people have an id of the shop's.
SELECT person_id FROM identities WHERE kind = 0 AND person_id = ANY ($1)
