-- The door: what an installation is, who people are, what happened, and the queue of what has to be applied.
-- Every row of a person leads with person_id, and no statement joins two people, so that distribution by person
-- stays possible. Big append-only tables are partitioned by time; their partitions are made ahead by the daemon.

-- One row: which environment this database belongs to, and on which cluster it was when that was said. A copy of it
-- stands on another cluster, or has another oid there, and sends nothing until somebody adopts it.
CREATE TABLE installation (
    only_one    boolean PRIMARY KEY DEFAULT true,
    environment text NOT NULL,
    cluster_id  text NOT NULL,
    adopted_at  timestamptz NOT NULL,
    CONSTRAINT installation_is_one_row CHECK (only_one),
    CONSTRAINT installation_environment_is_known CHECK (environment IN ('production', 'staging', 'dev'))
);

-- Ids come from a sequence; the shard is a fixed hash of the id (journeyman-domain, Shard::of).
CREATE SEQUENCE person_ids AS bigint;

-- A person. Merged into another, they stay as a signpost; their rows stay where they were written.
CREATE TABLE heads (
    person_id      bigint PRIMARY KEY,
    merged_into    bigint,
    assignment_key bigint NOT NULL,
    born_at        timestamptz NOT NULL,
    CONSTRAINT heads_merge_into_another CHECK (merged_into <> person_id)
);
-- The door asks of everybody whether they were merged; few were, so that the answer lies in a small index.
CREATE INDEX heads_merged ON heads (person_id) INCLUDE (merged_into) WHERE merged_into IS NOT NULL;

-- What people are known by. kind: 0 the shop's own id (userId), 1 a browser or device (anonymousId).
CREATE TABLE identities (
    kind      smallint NOT NULL,
    value     text NOT NULL,
    person_id bigint NOT NULL,
    PRIMARY KEY (kind, value),
    CONSTRAINT identities_kind_is_known CHECK (kind IN (0, 1)),
    CONSTRAINT identities_value_is_bounded CHECK (octet_length(value) BETWEEN 1 AND 512)
);
-- Two known people are never one: a person has at most one id of the shop's.
CREATE UNIQUE INDEX identities_one_external ON identities (person_id) WHERE kind = 0;
CREATE INDEX identities_of_person ON identities (person_id);

-- Two people who turned out to be one, found at the door and carried out by the merge. reason: 1 identify, 2 alias.
CREATE TABLE merge_requests (
    loser        bigint NOT NULL,
    winner       bigint NOT NULL,
    event_id     uuid NOT NULL,
    reason       smallint NOT NULL,
    requested_at timestamptz NOT NULL,
    PRIMARY KEY (loser, winner),
    CONSTRAINT merge_requests_are_of_two CHECK (loser <> winner),
    CONSTRAINT merge_requests_reason_is_known CHECK (reason IN (1, 2))
);

-- What makes a message one message: 128 bits of SHA-256(write key, messageId), kept 7 days. Rows are appended in
-- time order, so that a BRIN index finds the old ones at almost no cost.
CREATE TABLE seen (
    key uuid PRIMARY KEY,
    day date NOT NULL
);
CREATE INDEX seen_by_day ON seen USING brin (day) WITH (pages_per_range = 32);

-- What happened. id is a UUIDv7 of received_at, and the partitions are ranges of it: a look-up by id needs no time.
-- kind: 0 track, 1 identify, 2 alias, 3 page, 4 screen, 5 group. payload is the message as the client wrote it, in
-- the form payload_version names (1: Segment's tracking form).
CREATE TABLE events (
    id              uuid NOT NULL,
    person_id       bigint NOT NULL,
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    kind            smallint NOT NULL,
    payload_version smallint NOT NULL DEFAULT 1,
    historical      boolean NOT NULL,
    source          text NOT NULL,
    name            text NOT NULL,
    payload         jsonb NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT events_happen_before_receipt CHECK (occurred_at <= received_at),
    CONSTRAINT events_kind_is_known CHECK (kind BETWEEN 0 AND 5)
) PARTITION BY RANGE (id);
CREATE INDEX events_of_person ON events (person_id, occurred_at);

-- The queue of what has to be applied to people: narrow, deleted when applied. lane: 0 live, 1 bulk and historical.
-- kind: 1 an event, ref is its id.
CREATE TABLE intake (
    shard       smallint NOT NULL,
    lane        smallint NOT NULL,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    kind        smallint NOT NULL,
    person_id   bigint NOT NULL,
    ref         uuid NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (shard, lane, seq),
    CONSTRAINT intake_shard_is_one_of_256 CHECK (shard BETWEEN 0 AND 255),
    CONSTRAINT intake_lane_is_known CHECK (lane IN (0, 1)),
    CONSTRAINT intake_kind_is_known CHECK (kind IN (1))
);
-- A queue is all churn: vacuum by rows, not by share, and early.
ALTER TABLE intake SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
                        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

-- What came through the door and could not be an event, with why, as it was written.
CREATE TABLE rejected_events (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL,
    source      text NOT NULL,
    index       integer NOT NULL,
    field       text NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL,
    body        bytea NOT NULL,
    PRIMARY KEY (received_at, id),
    CONSTRAINT rejected_events_body_is_bounded CHECK (octet_length(body) <= 32768)
) PARTITION BY RANGE (received_at);

-- What of a file is still to be read. Kept for ever: seen forgets after 7 days, this does not. settings says how its
-- lines were mapped, so that the same file can't be imported as two things under one source.
CREATE TABLE imports (
    source      text NOT NULL,
    digest      bytea NOT NULL,
    settings    text NOT NULL,
    lines_done  bigint NOT NULL DEFAULT 0,
    accepted    bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (source, digest),
    CONSTRAINT imports_digest_is_sha256 CHECK (octet_length(digest) = 32),
    CONSTRAINT imports_count_what_they_read CHECK (accepted + rejected <= lines_done)
);
