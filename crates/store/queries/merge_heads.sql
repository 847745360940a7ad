-- $1 end in $2: they themselves, and whoever led to them.
UPDATE heads SET merged_into = merge.winner
FROM unnest($1::bigint[], $2::bigint[]) AS merge (loser, winner)
WHERE heads.person_id = merge.loser OR heads.merged_into = merge.loser
