-- Fewer rows than sent: somebody else has written one meanwhile. $1 is where each was read; + 0 keeps
-- the planner from the key's tree, which is a descent a row.
UPDATE persons
SET version = persons.version + 1, n = new.n, has_traits = persons.has_traits OR new.has_traits, zone = new.zone,
    armed_at = new.armed_at, hot = new.hot, merged_into = new.merged_into
FROM unnest($1::text[]::tid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[], $7::timestamptz[],
            $8::bytea[], $9::bigint[])
    AS new (place, person_id, version, n, has_traits, zone, armed_at, hot, merged_into)
WHERE persons.ctid = new.place AND persons.person_id + 0 = new.person_id AND persons.version = new.version
