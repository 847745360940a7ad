-- Fewer rows than sent: somebody else has made one meanwhile.
INSERT INTO persons (person_id, version, n, assignment_key, has_traits, zone, armed_at, hot,
                     merged_into)
SELECT new.person_id, 1, new.n, h.assignment_key, new.has_traits, new.zone, new.armed_at, new.hot,
       new.merged_into
FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::text[], $5::timestamptz[], $6::bytea[], $7::bigint[])
    AS new (person_id, n, has_traits, zone, armed_at, hot, merged_into)
JOIN heads h ON h.person_id = new.person_id
ON CONFLICT (person_id) DO NOTHING
