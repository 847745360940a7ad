SELECT name, max(snapshot) AS snapshot FROM models WHERE promoted GROUP BY name ORDER BY name
