INSERT INTO deployments (number, at, note, environment)
SELECT coalesce(max(number), 0) + 1, $1, $2, $3 FROM deployments
RETURNING number
