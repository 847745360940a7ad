-- Where the signposts of merges lead to from each of these people, however many there are. Nobody leads nowhere.
WITH RECURSIVE way (asked, person_id, merged_into) AS (
    SELECT h.person_id, h.person_id, h.merged_into
    FROM unnest($1::bigint[]) AS wanted (person_id)
    JOIN heads h ON h.person_id = wanted.person_id
    UNION
    SELECT way.asked, h.person_id, h.merged_into FROM way JOIN heads h ON h.person_id = way.merged_into
)
SELECT asked, person_id FROM way WHERE merged_into IS NULL
