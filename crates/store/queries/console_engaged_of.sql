-- What our own door saw of these messages, what a known machine did left out: by their people, whose events an index has.
SELECT wanted.id AS message_id, bool_or(e.name = 'Message Followed') AS clicked
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (id, person_id)
JOIN events e ON e.person_id = wanted.person_id AND e.source = 'tracking'
             AND e.payload #>> '{properties,message_id}' = 'msg_' || replace(wanted.id::text, '-', '')
WHERE e.name IN ('Message Followed', 'Message Loaded') AND e.payload #>> '{properties,machine}' IS NULL
GROUP BY wanted.id
