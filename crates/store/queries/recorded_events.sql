-- All that is recorded of these people up to a moment, each person's in the order in which it arrived; imported events
-- arrived when they happened. Of those of one moment the journal knows the order, where they were applied.
SELECT a.person_id, a.id, a.kind, a.name, a.occurred_at, a.received_at, a.historical, a.payload
FROM (
    SELECT e.person_id, e.id, e.kind, e.name, e.occurred_at, e.historical, e.payload::text AS payload,
           CASE WHEN e.historical THEN e.occurred_at ELSE e.received_at END AS received_at
    FROM unnest($1::bigint[]) AS wanted (person_id)
    JOIN events e ON e.person_id = wanted.person_id
) AS a
LEFT JOIN (
    SELECT j.person_id, j.ref, j.n
    FROM unnest($1::bigint[]) AS wanted (person_id)
    JOIN journal j ON j.person_id = wanted.person_id AND j.what = 1
) AS applied ON applied.person_id = a.person_id AND applied.ref = a.id
WHERE a.received_at <= $2
ORDER BY a.person_id, a.received_at, applied.n NULLS LAST, a.id
