INSERT INTO products (product_id, number, at, item)
SELECT product_id, $2, $3, item::jsonb FROM unnest($1::text[], $4::text[]) AS new (product_id, item)
