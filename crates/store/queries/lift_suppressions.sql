-- Who subscribes to a topic takes back what they said of it and of every one; without a topic, whatever they said.
WITH gone AS MATERIALIZED (
    SELECT s.channel, s.address, s.topic, s.kind
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::timestamptz[]) AS lifted (channel, address, topic, at)
    JOIN suppressions s ON s.channel = lifted.channel AND s.address = lifted.address
    WHERE s.kind IN (1, 3) AND (lifted.topic IS NULL OR s.topic IN ('', lifted.topic)) AND s.at <= lifted.at
    ORDER BY s.channel, s.address COLLATE "C", s.topic COLLATE "C", s.kind
    FOR UPDATE OF s
)
DELETE FROM suppressions s
USING gone
WHERE s.channel = gone.channel AND s.address = gone.address AND s.topic = gone.topic AND s.kind = gone.kind
