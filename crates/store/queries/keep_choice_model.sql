INSERT INTO models (name, version, method, fitted_at, parameters, card, promoted)
SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4::text::jsonb, $5::text::jsonb, $6 FROM models WHERE name = $1
RETURNING version
