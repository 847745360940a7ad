-- Calls: what a step asks of the shop's own systems waits in the outbox as messages do, in a queue of its own (7), and is kept
-- with them. Rows of the channels before are the same.
ALTER TABLE dispatch_queues
    DROP CONSTRAINT dispatch_queues_are_7,
    ADD CONSTRAINT dispatch_queues_are_8 CHECK (queue BETWEEN 0 AND 7);
INSERT INTO dispatch_queues (queue) VALUES (7);

ALTER TABLE outbox
    DROP CONSTRAINT outbox_queue_is_known,
    ADD CONSTRAINT outbox_queue_is_known CHECK (queue BETWEEN 0 AND 7 OR queue >= 16),
    DROP CONSTRAINT outbox_channel_is_known,
    ADD CONSTRAINT outbox_channel_is_known CHECK (channel BETWEEN 0 AND 7);
ALTER TABLE messages
    DROP CONSTRAINT messages_channel_is_known,
    ADD CONSTRAINT messages_channel_is_known CHECK (channel BETWEEN 0 AND 7);
ALTER TABLE stops
    DROP CONSTRAINT stops_channel_is_known,
    ADD CONSTRAINT stops_channel_is_known CHECK (channel BETWEEN 0 AND 7);
