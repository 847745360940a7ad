INSERT INTO learned (job, at, done) VALUES ($1, $2, $3)
ON CONFLICT (job) DO UPDATE SET at = EXCLUDED.at, done = EXCLUDED.done
