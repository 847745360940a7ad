UPDATE catalog SET told = $1, telling = $2, telling_at = $3, next_shard = $4
