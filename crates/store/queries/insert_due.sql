-- One that stands there already is as good.
INSERT INTO due (shard, due_at, person_id)
SELECT shard, due_at, person_id
FROM unnest($1::smallint[], $2::timestamptz[], $3::bigint[]) AS new (shard, due_at, person_id)
ON CONFLICT DO NOTHING
