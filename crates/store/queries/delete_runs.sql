DELETE FROM runs
USING unnest($1::bigint[], $2::integer[]) AS ended (person_id, number)
WHERE runs.person_id = ended.person_id AND runs.number = ended.number
