-- Which models that choose were fitted after a moment, used or not.
SELECT DISTINCT name FROM models WHERE fitted_at > $1 AND name IN ('channel', 'send_time') ORDER BY name
