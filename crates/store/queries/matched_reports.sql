-- Kept reports whose message is known by now, the oldest first.
SELECT kept.id, kept.provider, kept.channel, kept.news::text AS news, kept.received_at
FROM unmatched_reports kept
WHERE EXISTS (SELECT FROM provider_ids known WHERE known.channel = kept.channel AND known.provider_id = kept.provider_id)
   OR EXISTS (SELECT FROM outbox o WHERE o.message_id = kept.message_id)
   OR EXISTS (SELECT FROM messages m WHERE m.id = kept.message_id)
ORDER BY kept.received_at, kept.id
LIMIT $1
