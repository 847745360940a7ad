-- Fewer rows than asked: some are another's now. In the order of the key, as everybody locks them.
SELECT slices.slice
FROM slices
JOIN unnest($2::smallint[], $3::bigint[]) AS held (slice, epoch)
    ON slices.slice = held.slice AND slices.epoch = held.epoch
WHERE slices.worker = $1
ORDER BY slices.slice
FOR KEY SHARE OF slices
