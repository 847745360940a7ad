SELECT r.person_id, r.number, r.state, r.ctid::text AS place
FROM unnest($1::bigint[]) AS wanted (person_id)
JOIN runs r ON r.person_id = wanted.person_id
ORDER BY r.person_id, r.number
