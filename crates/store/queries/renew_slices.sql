-- In the order of the key, as everybody locks them. Batches are not waited for, since `until` is no part of a key.
WITH mine AS MATERIALIZED (
    SELECT slice FROM slices WHERE worker = $1 ORDER BY slice FOR NO KEY UPDATE
)
UPDATE slices
SET until = now() + $2 * interval '1 millisecond'
FROM mine
WHERE slices.slice = mine.slice
RETURNING slices.slice, slices.epoch
