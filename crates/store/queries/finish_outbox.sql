-- Ends messages: 10 accepted, 11 refused for good. Only what was started; those that the inbox has it gets by this very
-- commit, where it took them. LATERAL: each is looked for by its id, whatever the server believes of the table's size.
-- Nobody else writes what is started under a fence, so that it is found where it was locked.
WITH started AS MATERIALIZED (
    SELECT found.place, done.state, done.reason, done.provider_id, done.inbox
    FROM unnest($2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::boolean[])
        AS done (message_id, state, reason, provider_id, inbox)
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM outbox
        WHERE outbox.message_id = done.message_id AND outbox.channel = $1 AND outbox.state = 2
        FOR UPDATE
    ) AS found
), gone AS (
    DELETE FROM outbox
    USING started
    WHERE outbox.ctid = started.place
    RETURNING message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic,
              sender, deployment, data, context, started.state AS final, queued_at, attempts, started.reason AS why,
              started.provider_id, started.inbox
), kept AS (
    INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                      deployment, data, context, state, queued_at, finished_at, attempts, reason, provider_id)
    SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
           deployment, data, context, final, queued_at, $7, attempts, why, provider_id
    FROM gone
), delivered AS (
    INSERT INTO inbox (message_id, person_id, channel, address, template, journey, step, delivered_at)
    SELECT message_id, person_id, channel, address, template, journey, step, $7
    FROM gone
    WHERE inbox AND final = 10
)
SELECT message_id, person_id, final FROM gone
