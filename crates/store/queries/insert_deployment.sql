INSERT INTO deployments (number, at, note, environment, author)
SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM deployments
RETURNING number
