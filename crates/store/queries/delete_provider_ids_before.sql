DELETE FROM provider_ids WHERE at < $1
