INSERT INTO heads (person_id, assignment_key, born_at)
SELECT person_id, assignment_key, born_at
FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS new (person_id, assignment_key, born_at)
