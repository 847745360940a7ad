-- Few rows; many go by COPY.
INSERT INTO outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template,
    marketing, topic, sender, data, queued_at, deployment)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::integer[],
    $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::boolean[], $13::text[], $14::text[], $15::text[],
    $16::timestamptz[], $17::bigint[])
