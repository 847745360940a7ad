-- In the order of the key, as everybody locks them. Batches are not waited for, since `until` is no part of a key.
WITH mine AS MATERIALIZED (
    SELECT queue FROM dispatch_queues WHERE worker = $1 ORDER BY queue FOR NO KEY UPDATE
)
UPDATE dispatch_queues
SET until = now() + $2 * interval '1 millisecond'
FROM mine
WHERE dispatch_queues.queue = mine.queue
RETURNING dispatch_queues.queue, dispatch_queues.epoch
