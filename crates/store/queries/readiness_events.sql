-- The newest events that are told, by name: how many, of how many people, since when and until when.
WITH recent AS (
    SELECT person_id, kind, name, occurred_at FROM events ORDER BY id DESC LIMIT $1
)
SELECT name, count(*) AS events, count(DISTINCT person_id) AS people, min(occurred_at) AS first, max(occurred_at) AS last
FROM recent WHERE kind = 0 GROUP BY name ORDER BY name
