-- Joins, since each id then looks into its own partition alone.
SELECT o.message_id, o.person_id, o.channel, o.address, o.topic, o.marketing, o.journey, o.step
FROM unnest($1::uuid[]) AS wanted (id)
JOIN outbox o ON o.message_id = wanted.id
UNION ALL
SELECT m.id, m.person_id, m.channel, m.address, m.topic, m.marketing, m.journey, m.step
FROM unnest($1::uuid[]) AS wanted (id)
JOIN messages m ON m.id = wanted.id
