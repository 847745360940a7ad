-- As read_intake. $2: before it the reader knows of nothing. ctid: where the row lies, to be deleted there.
SELECT d.shard, d.due_at, d.person_id, d.place::text
FROM unnest($1::smallint[], $2::timestamptz[]) AS mark (shard, low)
CROSS JOIN LATERAL (
    SELECT shard, due_at, person_id, ctid AS place
    FROM due
    WHERE due.shard = mark.shard AND due.due_at >= mark.low AND due.due_at <= $3
    ORDER BY due.due_at, due.person_id
    LIMIT $4
) AS d
LIMIT $5
