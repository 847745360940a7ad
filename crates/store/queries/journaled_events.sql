-- What was applied to these people, and to those whose states went to them, however many steps away: events of these names
-- (`*` is all),
-- and merges, in the order in which it was.
WITH RECURSIVE wanted (person_id) AS (
    SELECT unnest($1::bigint[])
    UNION
    SELECT p.person_id FROM wanted JOIN persons p ON p.merged_into = wanted.person_id
)
SELECT j.person_id, j.n, e.id, e.kind, e.name, e.occurred_at, e.received_at, e.historical, e.payload::text AS payload,
       CASE WHEN j.what = 6 THEN j.ref END AS merge
FROM wanted
JOIN journal j ON j.person_id = wanted.person_id AND j.what IN (1, 6)
LEFT JOIN events e ON j.what = 1 AND e.id = j.ref
WHERE j.what = 6 OR e.name = ANY ($2) OR '*' = ANY ($2)
ORDER BY j.person_id, j.n
