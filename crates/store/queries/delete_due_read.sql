-- Those that this transaction has read, $1 where; + 0 keeps the planner from the key's tree.
DELETE FROM due
USING unnest($1::text[]::tid[], $2::bigint[]) AS gone (place, person_id)
WHERE due.ctid = gone.place AND due.person_id + 0 = gone.person_id
