-- What somebody cares for goes with their state to whom they turned out to be.
WITH theirs AS (
    DELETE FROM interests i
    USING unnest($1::bigint[], $2::bigint[], $3::smallint[]) AS merge (loser, winner, shard)
    WHERE i.person_id = merge.loser
    RETURNING merge.winner, merge.shard AS winners, i.*
)
INSERT INTO interests AS known (person_id, product_id, shard, viewed, carted, uncarted, wished, unwished, bought,
                                subscribed, withdrew)
SELECT winner, product_id, min(winners), max(viewed), max(carted), max(uncarted), max(wished), max(unwished), max(bought),
       max(subscribed), max(withdrew)
FROM theirs
GROUP BY winner, product_id
ON CONFLICT (person_id, product_id) DO UPDATE
SET viewed = greatest(known.viewed, excluded.viewed), carted = greatest(known.carted, excluded.carted),
    uncarted = greatest(known.uncarted, excluded.uncarted), wished = greatest(known.wished, excluded.wished),
    unwished = greatest(known.unwished, excluded.unwished), bought = greatest(known.bought, excluded.bought),
    subscribed = greatest(known.subscribed, excluded.subscribed), withdrew = greatest(known.withdrew, excluded.withdrew)
