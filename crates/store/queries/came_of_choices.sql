-- What came of choices, by their kind, rule and snapshot: how many there are, of how many the window of $2 seconds is over at $1, and
-- how many of those were rewarded within it. Of who is held out nothing can come.
SELECT d.what, d.rule, d.snapshot, count(*) AS decisions, count(*) FILTER (WHERE over) AS over,
       count(*) FILTER (WHERE over AND EXISTS (
           SELECT FROM rewards r
           WHERE r.message_id = d.message_id AND r.at <= d.at + make_interval(secs => $2))) AS rewarded
FROM decisions d
CROSS JOIN LATERAL (SELECT d.at <= $1::timestamptz - make_interval(secs => $2) AS over) AS window_of
WHERE d.what IN (2, 3) AND d.message_id IS NOT NULL
GROUP BY d.what, d.rule, d.snapshot
ORDER BY d.what, d.rule, d.snapshot
