INSERT INTO deployment_sources (number, hash, kind, name, role)
SELECT $1, hash, kind, name, 1
FROM sources
WHERE hash = ANY ($2)
RETURNING hash
