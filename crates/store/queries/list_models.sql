-- The latest of each name first.
SELECT name, version, method, fitted_at, parameters, card, promoted
FROM models
ORDER BY name, version DESC
LIMIT $1
