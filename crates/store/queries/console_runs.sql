-- Runs under way, by journey and step; and how many of them began since. Reads every live run once.
SELECT journey, step, count(*) AS runs, count(*) FILTER (WHERE started_at >= $1) AS entered
FROM runs
GROUP BY journey, step
ORDER BY journey, step
