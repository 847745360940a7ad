INSERT INTO rejected_events (received_at, source, index, field, reason, detail, body)
SELECT received_at, source, index, field, reason, detail, body
FROM unnest($1::timestamptz[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bytea[])
    AS new (received_at, source, index, field, reason, detail, body)
