INSERT INTO moved_runs (person_id, number, winner, becomes)
SELECT person_id, number, winner, becomes
FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[]) AS new (person_id, number, winner, becomes)
