-- Keeps reports that speak of no message known here; the same said again is there already.
INSERT INTO unmatched_reports (id, provider, channel, provider_id, message_id, news, received_at)
SELECT id, $2, $3, provider_id, message_id, news::jsonb, $7
FROM unnest($1::uuid[], $4::text[], $5::uuid[], $6::text[]) AS new (id, provider_id, message_id, news)
ON CONFLICT (id) DO NOTHING
