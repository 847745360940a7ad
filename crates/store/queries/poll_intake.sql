-- One shard and lane a call: with shard = ANY(...) the planner can't walk the key in order. $3 is the low-water mark,
-- below which the reader knows of nothing; 0 looks at everything.
SELECT seq, kind, person_id, ref, received_at
FROM intake
WHERE shard = $1 AND lane = $2 AND seq >= $3
ORDER BY seq
LIMIT $4
