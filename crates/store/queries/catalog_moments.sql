-- The moments in which the catalog changed. Reads every version.
SELECT DISTINCT at FROM products ORDER BY at
