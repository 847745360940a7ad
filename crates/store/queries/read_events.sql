-- A join, since each id then looks into its own partition alone; `id = ANY ($1)` would look into all.
SELECT e.id, e.kind, e.name, e.occurred_at, e.received_at, e.historical, e.payload::text AS payload
FROM unnest($1::uuid[]) AS wanted (id)
JOIN events e ON e.id = wanted.id
