-- Products as they were at a number, which is committed with all below it.
SELECT wanted.product_id, latest.item::text AS item
FROM unnest($1::text[]) AS wanted (product_id)
CROSS JOIN LATERAL (
    SELECT item FROM products p
    WHERE p.product_id = wanted.product_id AND p.number <= $2
    ORDER BY p.number DESC
    LIMIT 1
) AS latest
