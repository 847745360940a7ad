UPDATE imports SET finished_at = $4 WHERE source = $1 AND digest = $2 AND lines_done = $3 AND finished_at IS NULL
