INSERT INTO installation (environment, cluster_id, adopted_at)
VALUES ($1, $2, $3)
ON CONFLICT (only_one) DO UPDATE
SET environment = excluded.environment, cluster_id = excluded.cluster_id, adopted_at = excluded.adopted_at
