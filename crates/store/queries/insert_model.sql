-- The next of its name; not used until it is promoted.
INSERT INTO models (name, version, method, fitted_at, parameters, card)
SELECT $1::text, coalesce(max(version), 0) + 1, $2::text, $3::timestamptz, $4::jsonb, $5::jsonb
FROM models
WHERE name = $1::text
RETURNING version
