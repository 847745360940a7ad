WITH mine AS MATERIALIZED (
    SELECT slice FROM slices WHERE worker = $1 ORDER BY slice FOR NO KEY UPDATE
)
UPDATE slices SET worker = NULL, until = NULL FROM mine WHERE slices.slice = mine.slice
