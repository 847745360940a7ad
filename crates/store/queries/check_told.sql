SELECT name, count(*) AS events FROM events WHERE source = 'tracking' GROUP BY 1 ORDER BY 1
