-- What operators hold back: messages of a journey, of a channel, of both, or (both null) all of them. What matches and has not
-- started is held (outbox.state 3) until its stop is over; where the stop discards, it is over itself: cancelled, reason 'stopped'.
CREATE TABLE stops (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journey  text,
    channel  smallint,
    at       timestamptz NOT NULL,
    note     text NOT NULL DEFAULT '',
    discards boolean NOT NULL DEFAULT false,
    CONSTRAINT stops_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT stops_note_is_bounded CHECK (octet_length(note) <= 512)
);

-- Who put a deployment live, as they said.
ALTER TABLE deployments ADD COLUMN author text NOT NULL DEFAULT '';
