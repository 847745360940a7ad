SELECT name, count(*) AS events FROM events WHERE source <> ALL ($1) GROUP BY 1 ORDER BY 1
