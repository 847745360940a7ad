SELECT h.person_id, h.assignment_key
FROM unnest($1::bigint[]) AS wanted (person_id)
JOIN heads h ON h.person_id = wanted.person_id
