-- Products that are not withdrawn, the next ones by their id.
SELECT latest.product_id
FROM (
    SELECT DISTINCT ON (product_id) product_id, item
    FROM products
    WHERE product_id > $1
    ORDER BY product_id, number DESC
) AS latest
WHERE latest.item -> 'withdrawn' IS DISTINCT FROM 'true'::jsonb
ORDER BY latest.product_id
LIMIT $2
