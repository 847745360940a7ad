-- The models that choose: of each name the one that is used.
SELECT name, version, fitted_at, parameters::text AS parameters
FROM models
WHERE promoted AND name IN ('channel', 'send_time')
ORDER BY name
