-- Who bought, in the newest events: how many people, how many on more than one day, and over how many days all of it lies.
WITH recent AS (
    SELECT person_id, name, occurred_at FROM events ORDER BY id DESC LIMIT $1
), buyers AS (
    SELECT count(DISTINCT occurred_at::date) AS days, min(occurred_at) AS first, max(occurred_at) AS last
    FROM recent WHERE name = 'Order Completed' GROUP BY person_id
)
SELECT count(*) AS buyers, count(*) FILTER (WHERE days > 1) AS again,
       coalesce(extract(day FROM max(last) - min(first)), 0)::bigint AS span_days
FROM buyers
