-- Which models were fitted after a moment, promoted or not.
SELECT DISTINCT name FROM models WHERE fitted_at > $1 ORDER BY name
