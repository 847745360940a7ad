COPY due (shard, due_at, person_id) FROM STDIN (FORMAT binary)
