-- Queued and held ones; what was started may have left. A dispatcher that starts one at this moment is first
-- or second: the lock is taken before the state is looked at again. The key's tree is walked in the order of the ids,
-- which is the order in which everybody locks messages.
WITH gone AS (
    DELETE FROM outbox WHERE message_id = ANY ($1) AND state IN (0, 3) RETURNING *
)
INSERT INTO messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
                      deployment, data, context, state, queued_at, finished_at, attempts, reason)
SELECT message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender,
       deployment, data, context, 12, queued_at, $2, attempts, reason
FROM gone
