-- The scores these people have, of those who have any: kept among the traits (domain/src/score.rs).
SELECT t.person_id, t.traits -> '$scores' AS scores
FROM unnest($1::bigint[]) AS wanted (person_id)
JOIN traits t ON t.person_id = wanted.person_id
WHERE t.traits -> '$scores' IS NOT NULL
