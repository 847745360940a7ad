-- No row: another process has read these lines meanwhile.
UPDATE imports
SET lines_done = $4, accepted = accepted + $5, rejected = rejected + $6
WHERE source = $1 AND digest = $2 AND lines_done = $3 AND finished_at IS NULL
