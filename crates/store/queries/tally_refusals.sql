SELECT split_part(of, '/', 1) AS journey, reason, count(*) AS refusals
FROM journal, unnest(refused, refusals) AS r (of, reason)
GROUP BY 1, 2
ORDER BY 1, 2
