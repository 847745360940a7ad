-- What this transaction has locked leaves now, but for what is suppressed, which is over: rejected, with $4 for a reason; and
-- for what somebody has stopped, which is held, or over where the stop discards: cancelled, with $5 for a reason.
-- person_id and state: of those that are over. The look into suppressions is a probe of its key for each message; stops are few.
WITH locked AS MATERIALIZED (
    SELECT outbox.ctid AS place, given.context,
           CASE WHEN suppression.found THEN 11 WHEN stop.discards THEN 12 WHEN NOT stop.discards THEN 3 ELSE 2 END AS state
    FROM unnest($1::text[]::tid[], $2::text[]) AS given (place, context)
    JOIN outbox ON outbox.ctid = given.place
    LEFT JOIN LATERAL (
        SELECT true AS found
        FROM suppressions s
        WHERE s.channel = outbox.channel AND s.address = plain_address(outbox.address)
          AND s.topic IN ('', outbox.topic) AND (outbox.marketing OR s.kind IN (2, 4))
        LIMIT 1
    ) AS suppression ON true
    LEFT JOIN LATERAL (
        SELECT bool_or(s.discards) AS discards
        FROM stops s
        WHERE coalesce(s.journey = outbox.journey, true) AND coalesce(s.channel = outbox.channel, true)
    ) AS stop ON true
), started AS (
    UPDATE outbox
    SET state = locked.state,
        attempts = outbox.attempts + CASE WHEN locked.state = 2 THEN 1 ELSE 0 END,
        context = CASE WHEN locked.state = 2 THEN coalesce(outbox.context, locked.context) ELSE outbox.context END
    FROM locked
    WHERE outbox.ctid = locked.place AND locked.state IN (2, 3)
    RETURNING outbox.message_id, outbox.state
), gone AS (
    DELETE FROM outbox
    USING locked
    WHERE outbox.ctid = locked.place AND locked.state IN (11, 12)
    RETURNING outbox.*, locked.state AS final
), kept AS (
    INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                      deployment, data, context, state, queued_at, finished_at, attempts, reason)
    SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
           deployment, data, context, final, queued_at, $3, attempts, CASE final WHEN 11 THEN $4 ELSE $5 END
    FROM gone
)
SELECT message_id, NULL::bigint AS person_id, state FROM started
UNION ALL
SELECT message_id, person_id, final::smallint FROM gone
