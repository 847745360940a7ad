-- Messages of which our own door saw something since, what a known machine did left out. Only rows of its own are read
-- (index events_tracked), and of each its message by key. Who clicked has opened.
WITH seen AS MATERIALIZED (
    SELECT CASE WHEN payload #>> '{properties,message_id}' ~ '^msg_[0-9a-f]{32}$'
                THEN substr(payload #>> '{properties,message_id}', 5)::uuid END AS message_id,
           bool_or(name = 'Message Followed') AS clicked
    FROM events
    WHERE source = 'tracking' AND id >= $1 AND name IN ('Message Followed', 'Message Loaded')
      AND payload #>> '{properties,machine}' IS NULL
    GROUP BY 1
)
SELECT m.journey, m.step, count(*) AS opened, count(*) FILTER (WHERE seen.clicked) AS clicked
FROM seen
JOIN messages m ON m.id = seen.message_id
WHERE m.id >= $1
GROUP BY m.journey, m.step
ORDER BY m.journey, m.step
