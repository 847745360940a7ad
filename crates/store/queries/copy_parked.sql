COPY parked (person_id, shard, lane, seq, kind, ref, at, reason, detail) FROM STDIN (FORMAT binary)
