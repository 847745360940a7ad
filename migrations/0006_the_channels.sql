-- The channels over HTTP: what their providers report has to find its message again, and what people say to us its person.
-- Mail needs none of it: its return address says whose it is.

-- What providers call the messages that they took; a report that brings our own id needs no look here. Kept for 30 days.
CREATE TABLE provider_ids (
    channel     smallint NOT NULL,
    provider_id text NOT NULL,
    message_id  uuid NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (channel, provider_id),
    CONSTRAINT provider_ids_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT provider_ids_are_bounded CHECK (octet_length(provider_id) BETWEEN 1 AND 512)
);
CREATE INDEX provider_ids_by_time ON provider_ids (at);

-- The last message to each number: whose a reply is. address: its digits alone, since providers write numbers their way.
CREATE TABLE contacts (
    channel    smallint NOT NULL,
    address    text NOT NULL,
    message_id uuid NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (channel, address),
    CONSTRAINT contacts_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT contacts_address_is_digits CHECK (address ~ '^[0-9]{1,64}$')
);

-- Reports that speak of no message known here, as they were read: often the provider is faster than our commit. Kept for
-- 7 days, and looked at again until then.
CREATE TABLE unmatched_reports (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL,
    channel     smallint NOT NULL,
    provider_id text,
    message_id  uuid,
    news        jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT unmatched_reports_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT unmatched_reports_are_bounded CHECK (octet_length(news::text) <= 16384)
);
CREATE INDEX unmatched_reports_by_time ON unmatched_reports (received_at);
