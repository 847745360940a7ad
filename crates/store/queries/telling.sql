SELECT number, told, telling, telling_at, next_shard FROM catalog
