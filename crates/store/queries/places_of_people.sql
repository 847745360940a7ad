SELECT p.person_id, p.ctid::text
FROM unnest($1::bigint[]) AS wanted (person_id)
JOIN persons p ON p.person_id = wanted.person_id
