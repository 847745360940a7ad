-- What a batch is being written under is skipped, and taken the next time. MATERIALIZED: else the planner might run the
-- inner part more than once, and lock more than its limit.
WITH free AS MATERIALIZED (
    SELECT slice
    FROM slices
    WHERE worker IS NULL OR until < now()
    ORDER BY slice
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE slices
SET worker = $1, epoch = slices.epoch + 1, until = now() + $2 * interval '1 millisecond'
FROM free
WHERE slices.slice = free.slice
RETURNING slices.slice, slices.epoch
