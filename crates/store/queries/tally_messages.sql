SELECT journey, channel, state, count(*) AS messages
FROM (SELECT journey, channel, state FROM messages UNION ALL SELECT journey, channel, state FROM outbox) AS m
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
