-- Few rows; many go by COPY.
INSERT INTO journal (person_id, n, what, ref, moment, at, deployment, catalog)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::uuid[], $5::timestamptz[], $6::timestamptz[],
    $7::bigint[], $8::bigint[])
