-- Few rows; many go by COPY.
INSERT INTO runs (person_id, number, journey, plan, step, started_at, state)
SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bytea[])
