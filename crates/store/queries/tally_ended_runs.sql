SELECT journey, held_out, goal_at IS NOT NULL AS reached, count(*) AS runs
FROM ended_runs
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
