-- The latest promoted model of each name.
SELECT DISTINCT ON (name) name, snapshot, fitted_at, card::text AS card, parameters::text AS parameters
FROM models
WHERE promoted
ORDER BY name, snapshot DESC
