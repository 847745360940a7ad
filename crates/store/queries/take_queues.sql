-- What a batch is being written under is skipped, and taken the next time. MATERIALIZED: else the planner might run the
-- inner part more than once, and lock more than its limit.
WITH free AS MATERIALIZED (
    SELECT queue
    FROM dispatch_queues
    WHERE worker IS NULL OR until < now()
    ORDER BY queue
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE dispatch_queues
SET worker = $1, epoch = dispatch_queues.epoch + 1, until = now() + $2 * interval '1 millisecond'
FROM free
WHERE dispatch_queues.queue = free.queue
RETURNING dispatch_queues.queue, dispatch_queues.epoch
