-- As recover_outbox, of messages by their ids, which come in order.
WITH left_behind AS MATERIALIZED (
    SELECT locked.place
    FROM unnest($4::uuid[]) AS wanted (message_id)
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM outbox
        WHERE outbox.message_id = wanted.message_id AND outbox.channel = $1 AND outbox.state = 2
        FOR UPDATE
    ) AS locked
)
UPDATE outbox
SET state = CASE WHEN CASE WHEN marketing THEN $2::boolean ELSE $3::boolean END THEN 4 ELSE 0 END
FROM left_behind
WHERE outbox.ctid = left_behind.place
RETURNING outbox.state
