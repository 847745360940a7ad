SELECT r.person_id, r.number, r.ctid::text
FROM unnest($1::bigint[], $2::integer[]) AS wanted (person_id, number)
JOIN runs r ON r.person_id = wanted.person_id AND r.number = wanted.number
