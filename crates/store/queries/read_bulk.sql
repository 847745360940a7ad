-- A join, since each id then looks into its own partition alone.
SELECT b.id, b.topic, b.occurred_at, b.received_at, b.items::text AS items, b.people, b.item, b.interest, b.since
FROM unnest($1::uuid[]) AS wanted (id)
JOIN bulk b ON b.id = wanted.id
