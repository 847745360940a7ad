INSERT INTO installation (environment, cluster_id, adopted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
