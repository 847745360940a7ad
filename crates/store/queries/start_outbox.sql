-- What this transaction has locked leaves now, but for what is suppressed, which is over: rejected, with $4 for a reason.
-- person_id: of those that are over. The look into suppressions is a probe of its key for each message.
WITH locked AS MATERIALIZED (
    SELECT outbox.ctid AS place, given.context, stop.found IS NOT NULL AS suppressed
    FROM unnest($1::text[]::tid[], $2::text[]) AS given (place, context)
    JOIN outbox ON outbox.ctid = given.place
    LEFT JOIN LATERAL (
        SELECT true AS found
        FROM suppressions s
        WHERE s.channel = outbox.channel AND s.address = plain_address(outbox.address)
          AND s.topic IN ('', outbox.topic) AND (outbox.marketing OR s.kind IN (2, 4))
        LIMIT 1
    ) AS stop ON true
), started AS (
    UPDATE outbox
    SET state = 2, attempts = outbox.attempts + 1, context = coalesce(outbox.context, locked.context)
    FROM locked
    WHERE outbox.ctid = locked.place AND NOT locked.suppressed
    RETURNING outbox.message_id
), gone AS (
    DELETE FROM outbox
    USING locked
    WHERE outbox.ctid = locked.place AND locked.suppressed
    RETURNING outbox.*
), kept AS (
    INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                      deployment, data, context, state, queued_at, finished_at, attempts, reason)
    SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
           deployment, data, context, 11, queued_at, $3, attempts, $4
    FROM gone
)
SELECT message_id, NULL::bigint AS person_id FROM started
UNION ALL
SELECT message_id, person_id FROM gone
