-- Runs that ended since, by journey and reason. Reads the weeks since then.
SELECT journey, reason, held_out <> 0 AS held_out, count(*) AS runs, count(*) FILTER (WHERE started_at >= $1) AS entered,
       count(goal_at) AS goals
FROM ended_runs
WHERE ended_at >= $1
GROUP BY journey, reason, held_out <> 0
ORDER BY journey, reason, held_out
