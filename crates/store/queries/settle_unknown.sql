-- Somebody knows what became of a message that is unknown: 10 it was sent, 11 it was not.
WITH gone AS (
    DELETE FROM outbox WHERE message_id = $1 AND state = 4 RETURNING *
), kept AS (
    INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                      deployment, data, context, state, queued_at, finished_at, attempts, reason)
    SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
           deployment, data, context, $2, queued_at, $4, attempts, $3
    FROM gone
)
SELECT message_id, person_id, $2 AS final FROM gone
