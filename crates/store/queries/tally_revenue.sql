-- What orders since $1 came to. What is no number counts as nothing.
SELECT coalesce(sum(CASE WHEN jsonb_typeof(worth) = 'number' THEN (worth #>> '{}')::numeric END), 0)::float8 AS revenue
FROM (SELECT payload #> '{properties,revenue}' AS worth
      FROM events
      WHERE name = 'Order Completed' AND occurred_at >= $1) AS orders
