-- Where the signposts of merges lead to, however many there are.
WITH RECURSIVE way (person_id, merged_into) AS (
    SELECT person_id, merged_into FROM heads WHERE person_id = $1
    UNION
    SELECT h.person_id, h.merged_into FROM way JOIN heads h ON h.person_id = way.merged_into
)
SELECT person_id FROM way WHERE merged_into IS NULL
