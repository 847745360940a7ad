-- Few rows; many go by COPY.
INSERT INTO events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::smallint[], $6::boolean[],
    $7::text[], $8::text[], $9::jsonb[])
