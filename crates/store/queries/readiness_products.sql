-- What is known of the products as they are now: how many have which field. An empty name: how many there are.
WITH latest AS (
    SELECT DISTINCT ON (product_id) item FROM products ORDER BY product_id, number DESC
)
SELECT key, count(*) AS products
FROM latest, LATERAL (SELECT '' UNION ALL SELECT jsonb_object_keys(item)) AS of_one(key)
GROUP BY key
