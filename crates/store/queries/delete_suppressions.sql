-- Not what was said later than the word that takes it back.
WITH gone AS MATERIALIZED (
    SELECT s.channel, s.address, s.topic, s.kind
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[])
        AS lifted (channel, address, topic, kind, at)
    JOIN suppressions s
        ON s.channel = lifted.channel AND s.address = lifted.address AND s.topic = lifted.topic AND s.kind = lifted.kind
    WHERE s.at <= lifted.at
    ORDER BY s.channel, s.address COLLATE "C", s.topic COLLATE "C", s.kind
    FOR UPDATE OF s
)
DELETE FROM suppressions s
USING gone
WHERE s.channel = gone.channel AND s.address = gone.address AND s.topic = gone.topic AND s.kind = gone.kind
