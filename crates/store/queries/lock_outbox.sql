-- The fence, and what is still to leave, locked in the order asked. No row: the queue is another's; a row of nulls: it
-- is ours, and nothing is left. A statement of its own, since whoever waits here for somebody's cancel has to see what is
-- suppressed meanwhile, and only the next statement does. place: where the row lies, to be written there. LATERAL: each
-- is looked for by its id, whatever the server believes of the table's size.
WITH fence AS MATERIALIZED (
    SELECT queue FROM dispatch_queues WHERE queue = $1 AND worker = $2 AND epoch = $3 FOR KEY SHARE
), claimed AS MATERIALIZED (
    SELECT found.place, found.message_id
    FROM fence
    CROSS JOIN unnest($4::uuid[]) AS wanted (message_id)
    CROSS JOIN LATERAL (
        SELECT ctid::text AS place, message_id
        FROM outbox
        WHERE outbox.message_id = wanted.message_id AND outbox.channel = $1 AND outbox.state = 0
          AND (outbox.not_before IS NULL OR outbox.not_before <= $5)
        FOR UPDATE
    ) AS found
)
SELECT claimed.place, claimed.message_id FROM fence LEFT JOIN claimed ON true
