-- Which messages a provider calls so.
SELECT provider_id, message_id FROM provider_ids WHERE channel = $1 AND provider_id = ANY ($2)
