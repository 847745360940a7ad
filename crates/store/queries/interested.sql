-- Who cares for these products, in shards $2 to $3: arrays, one row a shard, since a row for each of many people would cost
-- more on the wire than all else. nth counts products from 0.
SELECT i.shard, array_agg(i.person_id) AS people, array_agg((wanted.nth - 1)::integer) AS items,
       array_agg(i.viewed) AS viewed, array_agg(i.carted) AS carted, array_agg(i.uncarted) AS uncarted,
       array_agg(i.wished) AS wished, array_agg(i.unwished) AS unwished, array_agg(i.bought) AS bought,
       array_agg(i.subscribed) AS subscribed, array_agg(i.withdrew) AS withdrew
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (product_id, nth)
JOIN interests i ON i.product_id = wanted.product_id AND i.shard BETWEEN $2 AND $3
GROUP BY i.shard
ORDER BY i.shard
