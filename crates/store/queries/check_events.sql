SELECT payload ->> 'messageId' AS message_id, count(*) AS events
FROM events
WHERE source = $1
GROUP BY 1
