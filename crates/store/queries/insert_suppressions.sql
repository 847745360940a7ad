-- Rows come sorted. One that is there already takes the later moment, and keeps its event where the later word has none.
INSERT INTO suppressions (channel, address, topic, kind, at, event)
SELECT channel, address, topic, kind, at, event
FROM unnest($1::smallint[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::uuid[])
    AS new (channel, address, topic, kind, at, event)
ON CONFLICT (channel, address, topic, kind) DO UPDATE
SET at = excluded.at, event = coalesce(excluded.event, suppressions.event)
WHERE suppressions.at < excluded.at
