INSERT INTO workers (role, worker, until)
VALUES ($1, $2, now() + $3 * interval '1 millisecond')
ON CONFLICT (role, worker) DO UPDATE SET until = excluded.until
