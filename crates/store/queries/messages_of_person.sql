-- outbox has no index by person: it is a queue, and this is for people who ask.
SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender, deployment,
       data, context, NULL::text AS provider_id, state, queued_at, not_before, NULL::timestamptz AS finished_at, attempts,
       reason
FROM outbox
WHERE person_id = $1
UNION ALL
SELECT id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender, deployment, data,
       context, provider_id, state, queued_at, NULL, finished_at, attempts, reason
FROM messages
WHERE person_id = $1
ORDER BY queued_at, message_id
