-- Choices with what came of them within their window of $5 seconds: the first human click, the goal and its worth. A choice whose
-- person turned out to be another before its message left is that of the message which their run sent under its new number.
SELECT d.person_id, d.run, d.journey, d.step, d.visit, d.at, d.options, d.choice, d.propensities, d.what, d.rule, d.snapshot,
       sent.message_id, d.features, came.clicked_at, came.goal_at, came.value,
       d.at + make_interval(secs => $5) <= $6 AS over
FROM decisions d
LEFT JOIN LATERAL (
    -- Nobody leads back; where somebody does, it ends all the same.
    WITH RECURSIVE way (person_id, number, steps) AS (
        SELECT d.person_id, d.run, 0
        UNION ALL
        SELECT m.winner, m.becomes, steps + 1
        FROM way JOIN moved_runs m USING (person_id, number)
        WHERE steps < 100
    )
    SELECT m.id
    FROM way JOIN messages m ON m.person_id = way.person_id AND m.run = way.number
    WHERE steps > 0 AND m.step = d.step AND m.visit = d.visit AND m.leg = 1
    ORDER BY steps DESC
    LIMIT 1
) AS moved ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.message_id IS NULL THEN NULL ELSE coalesce(moved.id, d.message_id) END AS message_id
) AS sent
LEFT JOIN LATERAL (
    SELECT min(r.at) FILTER (WHERE NOT r.goal) AS clicked_at, min(r.at) FILTER (WHERE r.goal) AS goal_at,
           max(r.value) FILTER (WHERE r.goal) AS value
    FROM rewards r
    WHERE r.message_id = sent.message_id AND r.at <= d.at + make_interval(secs => $5)
) AS came ON true
WHERE ($1::timestamptz IS NULL OR d.at >= $1) AND ($2::timestamptz IS NULL OR d.at < $2)
  AND ($3::text IS NULL OR d.journey = $3) AND ($4::smallint IS NULL OR d.what = $4)
ORDER BY d.at, d.person_id, d.run, d.step, d.visit, d.what
