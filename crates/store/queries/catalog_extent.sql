-- How many products there are, how many versions of them, and since when. Reads every version.
SELECT count(DISTINCT product_id) AS products, count(*) AS versions, min(at) AS since FROM products
