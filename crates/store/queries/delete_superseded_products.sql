-- Versions of products in whose place another one stood before a moment that nothing kept looks back beyond; but none that people
-- have still to be told of.
DELETE FROM products
WHERE ctid = ANY (ARRAY(
    SELECT old.ctid
    FROM products old
    CROSS JOIN LATERAL (
        SELECT n.at, n.number FROM products n
        WHERE n.product_id = old.product_id AND n.number > old.number
        ORDER BY n.number
        LIMIT 1
    ) AS next
    WHERE old.at < $1 AND next.at < $1 AND next.number <= (SELECT told FROM catalog)
    LIMIT $2
))
