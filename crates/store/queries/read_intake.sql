-- Many shards, a range of the key each: `shard = ANY (...)` can't walk the key in the order of seq, and is eight times
-- as slow. $3: below it the reader knows of nothing. With each input its event, which lies in one partition: kind 1 is
-- that of an event's.
SELECT i.shard, i.seq, i.kind AS what, i.person_id, i.ref, i.received_at AS came_at,
       e.id, e.kind, e.name, e.occurred_at, e.received_at, e.historical, e.payload::text AS payload
FROM (
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
) AS i
LEFT JOIN LATERAL (SELECT * FROM events WHERE i.kind = 1 AND events.id = i.ref) AS e ON true
