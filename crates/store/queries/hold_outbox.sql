-- What has not started and a stop wants held, up to $3 from the id $2 on: the last one looked at, and whether it is held now.
-- Locked in the order in which everybody locks messages, and looked at again then. It only hurries: start_outbox holds them too.
WITH stop AS MATERIALIZED (
    SELECT journey, channel FROM stops WHERE id = $1
), found AS MATERIALIZED (
    SELECT outbox.message_id
    FROM outbox
    CROSS JOIN stop
    WHERE outbox.message_id > $2 AND outbox.state = 0
      AND coalesce(stop.journey = outbox.journey, true) AND coalesce(stop.channel = outbox.channel, true)
    ORDER BY outbox.message_id
    LIMIT $3
), locked AS MATERIALIZED (
    SELECT waiting.place
    FROM found
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM outbox
        WHERE outbox.message_id = found.message_id AND outbox.state = 0
        FOR UPDATE
    ) AS waiting
), held AS (
    UPDATE outbox SET state = 3 FROM locked WHERE outbox.ctid = locked.place RETURNING outbox.message_id
)
SELECT found.message_id, held.message_id IS NOT NULL AS held
FROM found LEFT JOIN held USING (message_id)
ORDER BY found.message_id
