-- To be tried again, 0 with not_before, or 4: perhaps sent. Only what was started; as finish_outbox.
WITH started AS MATERIALIZED (
    SELECT found.place, tried.state, tried.not_before, tried.reason
    FROM unnest($2::uuid[], $3::smallint[], $4::timestamptz[], $5::text[])
        AS tried (message_id, state, not_before, reason)
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM outbox
        WHERE outbox.message_id = tried.message_id AND outbox.channel = $1 AND outbox.state = 2
        FOR UPDATE
    ) AS found
)
UPDATE outbox
SET state = started.state, not_before = started.not_before, reason = started.reason
FROM started
WHERE outbox.ctid = started.place
