SELECT environment, cluster_id, adopted_at FROM installation
