INSERT INTO interests AS known (person_id, product_id, shard, viewed, carted, uncarted, wished, unwished, bought,
                                subscribed, withdrew)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
ON CONFLICT (person_id, product_id) DO UPDATE
SET viewed = greatest(known.viewed, excluded.viewed), carted = greatest(known.carted, excluded.carted),
    uncarted = greatest(known.uncarted, excluded.uncarted), wished = greatest(known.wished, excluded.wished),
    unwished = greatest(known.unwished, excluded.unwished), bought = greatest(known.bought, excluded.bought),
    subscribed = greatest(known.subscribed, excluded.subscribed), withdrew = greatest(known.withdrew, excluded.withdrew)
