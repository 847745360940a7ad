SELECT queue FROM dispatch_queues WHERE queue = $1 AND worker = $2 AND epoch = $3 FOR KEY SHARE
