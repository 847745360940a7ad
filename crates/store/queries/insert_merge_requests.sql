-- Of a pair that was asked for before, what became of it now.
INSERT INTO merge_requests (loser, winner, event_id, reason, requested_at, outcome)
SELECT loser, winner, event_id, reason, requested_at, outcome
FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::smallint[], $5::timestamptz[], $6::smallint[])
    AS new (loser, winner, event_id, reason, requested_at, outcome)
ON CONFLICT (loser, winner) DO UPDATE
SET event_id = excluded.event_id, reason = excluded.reason, requested_at = excluded.requested_at,
    outcome = excluded.outcome
WHERE merge_requests.outcome IS DISTINCT FROM excluded.outcome
