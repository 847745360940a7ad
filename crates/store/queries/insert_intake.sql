-- Few rows; many go by COPY.
INSERT INTO intake (shard, lane, kind, person_id, ref, received_at)
SELECT * FROM unnest($1::smallint[], $2::smallint[], $3::smallint[], $4::bigint[], $5::uuid[], $6::timestamptz[])
