-- Journeys that begin on a segment, a date or the calendar watch everybody. When such a one goes live everybody is told, so that
-- it is seen what they are before anything happens to them: by news of the topic 3, in the bulk lane.
ALTER TABLE bulk DROP CONSTRAINT bulk_topic_is_known,
    ADD CONSTRAINT bulk_topic_is_known CHECK (topic IN (1, 2, 3));

-- One row: what everybody was told of, or is being told of (8 bytes each, sorted), and after whom to go on; after_person is null when
-- all were told. Each step of it commits with the news it wrote.
CREATE TABLE announcement (
    only_one     boolean PRIMARY KEY DEFAULT true,
    marks        bytea[] NOT NULL DEFAULT '{}',
    after_person bigint,
    begun_at     timestamptz,
    people       bigint NOT NULL DEFAULT 0,
    CONSTRAINT announcement_is_one_row CHECK (only_one),
    CONSTRAINT announcement_is_under_way_since CHECK (after_person IS NULL OR begun_at IS NOT NULL)
) WITH (fillfactor = 50);
INSERT INTO announcement DEFAULT VALUES;
