SELECT p.product_id, p.number, p.at, p.item::text AS item
FROM unnest($1::text[]) AS wanted (product_id)
JOIN products p ON p.product_id = wanted.product_id
ORDER BY p.product_id, p.number
