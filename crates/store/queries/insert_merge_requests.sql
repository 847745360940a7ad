INSERT INTO merge_requests (loser, winner, event_id, reason, requested_at)
SELECT loser, winner, event_id, reason, requested_at
FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::smallint[], $5::timestamptz[])
    AS new (loser, winner, event_id, reason, requested_at)
ON CONFLICT DO NOTHING
