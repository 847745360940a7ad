-- The newest first, with how many files each has of its own.
SELECT number, at, note, environment, author, approved_by,
       (SELECT count(*) FROM deployment_sources s WHERE s.number = deployments.number AND s.role = 0) AS files
FROM deployments
ORDER BY number DESC
LIMIT $1
