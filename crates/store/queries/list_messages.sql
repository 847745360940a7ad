-- By id, whose time is the run's start: the key gives that order without sorting. Where no state of one of the two tables
-- is asked for, that table is not looked into.
(
    SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender, deployment,
           data, context, NULL::text AS provider_id, state, queued_at, not_before, NULL::timestamptz AS finished_at, attempts,
           reason
    FROM outbox
    WHERE (SELECT min(asked) FROM unnest($1::smallint[]) AS asked) < 10 AND state = ANY ($1)
      AND ($2::bigint IS NULL OR person_id = $2) AND ($3::smallint IS NULL OR channel = $3)
      AND ($4::text IS NULL OR journey = $4) AND ($6::uuid IS NULL OR message_id < $6)
    ORDER BY message_id DESC
    LIMIT $5
)
UNION ALL
(
    SELECT id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender, deployment, data,
           context, provider_id, state, queued_at, NULL, finished_at, attempts, reason
    FROM messages
    WHERE (SELECT max(asked) FROM unnest($1::smallint[]) AS asked) >= 10 AND state = ANY ($1)
      AND ($2::bigint IS NULL OR person_id = $2) AND ($3::smallint IS NULL OR channel = $3)
      AND ($4::text IS NULL OR journey = $4) AND ($6::uuid IS NULL OR id < $6)
    ORDER BY id DESC
    LIMIT $5
)
ORDER BY message_id DESC
LIMIT $5
