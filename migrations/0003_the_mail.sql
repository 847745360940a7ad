-- The mail: what a message brings along so that it can be rendered, the lines in which senders' messages wait, and the
-- addresses that are not written to. Columns are added with defaults, since processes of the version before may run on
-- while this is migrated: what they queue has nothing to render and no sender.

-- Within a channel's queue the messages of each sender wait in a line of their own, so that one whose rate is spent holds
-- nobody up; lease and fence stay the channel's. Lines are made by deployments, never deleted and never used again. Numbers
-- below 16 are the channels' own lines: of messages without a sender.
CREATE TABLE lines (
    line    smallint PRIMARY KEY,
    channel smallint NOT NULL,
    sender  text NOT NULL,
    CONSTRAINT lines_are_beyond_the_channels CHECK (line >= 16),
    CONSTRAINT lines_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT lines_sender_has_one UNIQUE (channel, sender)
);

-- queue is the line. data is what the template is given, JSON; deployment the one the batch ran under, whose templates
-- and senders are meant; context what the first attempt fixed, null before it: with both every attempt is rendered alike.
ALTER TABLE outbox
    ADD COLUMN sender     text,
    ADD COLUMN topic      text,
    ADD COLUMN deployment bigint NOT NULL DEFAULT 0,
    ADD COLUMN data       text NOT NULL DEFAULT '',
    ADD COLUMN context    text,
    DROP CONSTRAINT outbox_queue_is_known,
    ADD CONSTRAINT outbox_queue_is_known CHECK (queue BETWEEN 0 AND 6 OR queue >= 16),
    ADD CONSTRAINT outbox_data_is_bounded CHECK (octet_length(data) <= 8192),
    ADD CONSTRAINT outbox_context_is_bounded CHECK (octet_length(context) <= 8192);

-- provider_id is what the channel called it. No index on it: upkeep would cost a third of the rate, and reports carry our
-- own id wherever the channel lets a message bring it.
ALTER TABLE messages
    ADD COLUMN sender      text,
    ADD COLUMN topic       text,
    ADD COLUMN deployment  bigint NOT NULL DEFAULT 0,
    ADD COLUMN data        text NOT NULL DEFAULT '',
    ADD COLUMN context     text,
    ADD COLUMN provider_id text,
    ADD CONSTRAINT messages_data_is_bounded CHECK (octet_length(data) <= 8192),
    ADD CONSTRAINT messages_context_is_bounded CHECK (octet_length(context) <= 8192),
    ADD CONSTRAINT messages_provider_id_is_bounded CHECK (octet_length(provider_id) <= 512);

-- An address as it is compared: without what stands around it, in small letters, the same in every locale.
CREATE FUNCTION plain_address(address text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT lower(btrim(address, E' \t\r\n') COLLATE "C") $$;

-- Addresses that are not written to, asked when a message starts. topic: '' every one. kind: 1 unsubscribed and
-- 3 complained stop marketing, 2 bounced and 4 by hand stop everything. event: what it came with.
CREATE TABLE suppressions (
    channel smallint NOT NULL,
    address text NOT NULL,
    topic   text NOT NULL DEFAULT '',
    kind    smallint NOT NULL,
    at      timestamptz NOT NULL,
    event   uuid,
    PRIMARY KEY (channel, address, topic, kind),
    CONSTRAINT suppressions_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT suppressions_kind_is_known CHECK (kind BETWEEN 1 AND 4),
    CONSTRAINT suppressions_address_is_plain CHECK (address = plain_address(address)),
    CONSTRAINT suppressions_address_is_bounded CHECK (octet_length(address) BETWEEN 1 AND 1024),
    CONSTRAINT suppressions_topic_is_bounded CHECK (octet_length(topic) <= 256)
);
