-- Many shards, a range of the key each: `shard = ANY (...)` can't walk the key in the order of seq, and is eight times
-- as slow. $3: below it the reader knows of nothing.
SELECT i.shard, i.seq, i.kind, i.person_id, i.ref, i.received_at
FROM unnest($1::smallint[], $3::bigint[]) AS mark (shard, low)
CROSS JOIN LATERAL (
    SELECT shard, seq, kind, person_id, ref, received_at
    FROM intake
    WHERE intake.shard = mark.shard AND intake.lane = $2 AND intake.seq >= mark.low
    ORDER BY intake.seq
    LIMIT $4
) AS i
LIMIT $5
