-- One process tells at a time: who finds the row locked leaves it to the other.
SELECT number, told, telling, telling_at, next_shard FROM catalog FOR UPDATE SKIP LOCKED
