-- Choices with what came of them within their window of $5 seconds: the first human click, the goal and its worth.
SELECT d.person_id, d.run, d.journey, d.step, d.visit, d.at, d.options, d.choice, d.propensities, d.what, d.rule, d.snapshot,
       d.message_id, d.features, came.clicked_at, came.goal_at, came.value,
       d.at + make_interval(secs => $5) <= $6 AS over
FROM decisions d
LEFT JOIN LATERAL (
    SELECT min(r.at) FILTER (WHERE NOT r.goal) AS clicked_at, min(r.at) FILTER (WHERE r.goal) AS goal_at,
           max(r.value) FILTER (WHERE r.goal) AS value
    FROM rewards r
    WHERE r.message_id = d.message_id AND r.at <= d.at + make_interval(secs => $5)
) AS came ON true
WHERE ($1::timestamptz IS NULL OR d.at >= $1) AND ($2::timestamptz IS NULL OR d.at < $2)
  AND ($3::text IS NULL OR d.journey = $3) AND ($4::smallint IS NULL OR d.what = $4)
ORDER BY d.at, d.person_id, d.run, d.step, d.visit, d.what
