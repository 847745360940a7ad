INSERT INTO seen (key, day)
SELECT key, $2
FROM unnest($1::uuid[]) AS key
ON CONFLICT DO NOTHING
RETURNING key
