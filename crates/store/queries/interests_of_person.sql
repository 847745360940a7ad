SELECT product_id, viewed, carted, uncarted, wished, unwished, bought, subscribed, withdrew
FROM interests WHERE person_id = $1 ORDER BY product_id
