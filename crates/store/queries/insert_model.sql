INSERT INTO models (name, fitted_at, card, parameters, promoted)
VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb, $5)
RETURNING snapshot
