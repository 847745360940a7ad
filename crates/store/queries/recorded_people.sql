-- The next people who were not merged into another.
SELECT person_id, assignment_key FROM heads
WHERE person_id > $1 AND merged_into IS NULL
ORDER BY person_id
LIMIT $2
