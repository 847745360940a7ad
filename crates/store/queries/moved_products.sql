-- Products with a version between two numbers that were there before: as they were, as they are now, and since when.
SELECT new.product_id, old.item::text AS old, new.item::text AS new, new.at
FROM (
    SELECT DISTINCT ON (product_id) product_id, item, at
    FROM products
    WHERE number > $1 AND number <= $2
    ORDER BY product_id, number DESC
) AS new
CROSS JOIN LATERAL (
    SELECT item FROM products p
    WHERE p.product_id = new.product_id AND p.number <= $1
    ORDER BY p.number DESC
    LIMIT 1
) AS old
ORDER BY new.product_id
