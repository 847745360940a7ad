UPDATE dispatch_queues SET worker = NULL, until = NULL WHERE worker = $1 AND queue = ANY ($2)
