UPDATE outbox SET state = 0, not_before = NULL WHERE message_id = $1 AND state = 4
