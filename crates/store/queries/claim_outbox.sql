-- In the order of seq, from a mark below which the dispatcher knows of nothing to send. Neither locked nor fenced: who owns
-- the queue reads alone, and what it has read leaves by start_outbox or not at all. $5: the queue is of a channel, and the
-- line has to be one of its.
SELECT seq, attempts, deployment, context, message_id, person_id, run, journey, step, visit, leg, channel, address, template,
       marketing, topic, sender, data, queued_at
FROM outbox
WHERE queue = $1 AND seq >= $2 AND state = 0 AND (not_before IS NULL OR not_before <= $3) AND channel = $5
ORDER BY seq
LIMIT $4
