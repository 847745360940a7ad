-- A piece at a time, so that no snapshot is held long.
DELETE FROM seen
WHERE ctid = ANY (ARRAY(SELECT ctid FROM seen WHERE day < $1 LIMIT $2)) AND day < $1
