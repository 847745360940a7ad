COPY intake (shard, lane, kind, person_id, ref, received_at) FROM STDIN (FORMAT binary)
