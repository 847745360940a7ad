WITH mine AS MATERIALIZED (
    SELECT queue FROM dispatch_queues WHERE worker = $1 ORDER BY queue FOR NO KEY UPDATE
)
UPDATE dispatch_queues SET worker = NULL, until = NULL FROM mine WHERE dispatch_queues.queue = mine.queue
