DELETE FROM due
USING unnest($1::smallint[], $2::timestamptz[], $3::bigint[]) AS gone (shard, due_at, person_id)
WHERE due.shard = gone.shard AND due.due_at = gone.due_at AND due.person_id = gone.person_id
