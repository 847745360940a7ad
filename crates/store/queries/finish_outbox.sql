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
), called AS (
    -- What a provider calls them: of mail nobody asks.
    INSERT INTO provider_ids (channel, provider_id, message_id, at)
    SELECT channel, provider_id, message_id, $7
    FROM gone
    WHERE final = 10 AND NOT inbox AND provider_id <> '' AND channel IN (1, 2, 3, 5)
    ON CONFLICT (channel, provider_id) DO NOTHING
), spoken AS (
    -- Whose a reply from a number is: the last message to it says.
    INSERT INTO contacts (channel, address, message_id, at)
    SELECT DISTINCT ON (channel, digits) channel, digits, message_id, $7
    FROM gone CROSS JOIN LATERAL (SELECT regexp_replace(address, '[^0-9]', '', 'g')) AS plain (digits)
    WHERE final = 10 AND NOT inbox AND channel IN (1, 3) AND digits ~ '^[0-9]{1,64}$'
    ORDER BY channel, digits, message_id DESC
    ON CONFLICT (channel, address) DO UPDATE SET message_id = excluded.message_id, at = excluded.at
), delivered AS (
    INSERT INTO inbox (message_id, person_id, channel, address, template, journey, step, delivered_at)
    SELECT message_id, person_id, channel, address, template, journey, step, $7
    FROM gone
    WHERE inbox AND final = 10
)
SELECT message_id, person_id, final FROM gone
