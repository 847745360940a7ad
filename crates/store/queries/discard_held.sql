-- Up to $2 of the messages that a stop holds are over: cancelled, with $4 for a reason.
WITH stop AS MATERIALIZED (
    SELECT journey, channel FROM stops WHERE id = $1 AND discards
), found AS MATERIALIZED (
    SELECT outbox.message_id
    FROM outbox
    CROSS JOIN stop
    WHERE outbox.state = 3
      AND coalesce(stop.journey = outbox.journey, true) AND coalesce(stop.channel = outbox.channel, true)
    ORDER BY outbox.message_id
    LIMIT $2
), locked AS MATERIALIZED (
    SELECT waiting.place
    FROM found
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM outbox
        WHERE outbox.message_id = found.message_id AND outbox.state = 3
        FOR UPDATE
    ) AS waiting
), gone AS (
    DELETE FROM outbox USING locked WHERE outbox.ctid = locked.place RETURNING outbox.*
), kept AS (
    INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                      deployment, data, context, state, queued_at, finished_at, attempts, reason)
    SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
           deployment, data, context, 12, queued_at, $3, attempts, $4
    FROM gone
)
SELECT message_id, person_id, 12::smallint AS state FROM gone
