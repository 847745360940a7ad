DELETE FROM intake
USING unnest($1::smallint[], $2::smallint[], $3::bigint[]) AS done (shard, lane, seq)
WHERE intake.shard = done.shard AND intake.lane = done.lane AND intake.seq = done.seq
