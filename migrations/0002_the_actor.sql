-- The person actor: what a batch reads and writes, who may write it, and what leaves.
-- The actor decides outside the database; a batch brings everything it changes in one transaction whose first statement
-- locks its slices. So rules that two processes could break together stand here as locks and keys; rules of one person
-- are the actor's. Moments are the shop's, but for leases, which run on the database's clock.

-- Intake also brings what became of a message. kind: 2 accepted, 3 refused for good; ref is the message's id,
-- received_at the moment.
ALTER TABLE intake DROP CONSTRAINT intake_kind_is_known,
    ADD CONSTRAINT intake_kind_is_known CHECK (kind IN (1, 2, 3));

-- A person's state. version guards it: every write names the one it has read. armed_at is their row in due. hot is
-- encoded by journeyman-domain and carries its own version. assignment_key is that of heads, and has_traits says whether
-- there is a row in traits, so that a batch need not look there. Nothing that changes is indexed, and pages keep room, so
-- that updates stay on their page (HOT) and need no vacuum; what vacuum is for are values moved out of line, and those
-- are few: a fiftieth of a large table is early enough, a fifth would be millions of rows.
CREATE TABLE persons (
    person_id      bigint PRIMARY KEY,
    version        bigint NOT NULL,
    n              bigint NOT NULL,
    assignment_key bigint NOT NULL,
    has_traits     boolean NOT NULL,
    zone           text,
    armed_at       timestamptz,
    hot            bytea NOT NULL,
    CONSTRAINT persons_versions_begin_at_1 CHECK (version >= 1),
    CONSTRAINT persons_hot_is_bounded CHECK (octet_length(hot) <= 65536)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
        toast.autovacuum_vacuum_scale_factor = 0.02);

-- Traits and when each was said. A table of its own: written only when a trait changes, which is seldom.
CREATE TABLE traits (
    person_id bigint PRIMARY KEY,
    traits    jsonb NOT NULL,
    times     jsonb NOT NULL
);

-- Live runs. plan is the journey's version, 128 bits of SHA-256; step is empty of a run that only watches for its goal.
-- Updated on their page as persons; ended ones are deleted, which is what vacuum is for.
CREATE TABLE runs (
    person_id  bigint NOT NULL,
    number     integer NOT NULL,
    journey    text NOT NULL,
    plan       uuid NOT NULL,
    step       text NOT NULL,
    started_at timestamptz NOT NULL,
    state      bytea NOT NULL,
    PRIMARY KEY (person_id, number),
    CONSTRAINT runs_are_numbered_from_1 CHECK (number >= 1),
    CONSTRAINT runs_state_is_bounded CHECK (octet_length(state) <= 65536)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000);
-- A deployment asks which versions are under way, while everything waits for it. Few values: the index stays small.
CREATE INDEX runs_of_plan ON runs (plan);

-- Runs that are over. number is a person's own, so the key holds without ended_at, which is there for the partitions.
CREATE TABLE ended_runs (
    person_id  bigint NOT NULL,
    number     integer NOT NULL,
    journey    text NOT NULL,
    plan       uuid NOT NULL,
    key        text,
    started_at timestamptz NOT NULL,
    entered_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    reason     text NOT NULL,
    held_out   smallint NOT NULL,
    first_send timestamptz,
    goal_at    timestamptz,
    goal_value double precision,
    state      bytea NOT NULL,
    PRIMARY KEY (person_id, number, ended_at),
    CONSTRAINT ended_runs_held_out_is_known CHECK (held_out BETWEEN 0 AND 2)
) PARTITION BY RANGE (ended_at);

-- Counters: what deployed expressions demand, no more. times (microseconds since 1970), amounts and "values" belong
-- together, as do days, day_counts and day_sums. Updated on their page as persons.
CREATE TABLE features (
    person_id  bigint NOT NULL,
    feature    bigint NOT NULL,
    last_at    timestamptz,
    times      bigint[] NOT NULL,
    amounts    double precision[] NOT NULL,
    "values"   text[] NOT NULL,
    days       integer[] NOT NULL,
    day_counts integer[] NOT NULL,
    day_sums   double precision[] NOT NULL,
    PRIMARY KEY (person_id, feature),
    CONSTRAINT features_times_have_amounts CHECK (cardinality(times) = cardinality(amounts)),
    CONSTRAINT features_times_have_values_or_none CHECK (cardinality("values") IN (0, cardinality(times))),
    CONSTRAINT features_days_have_counts_and_sums
        CHECK (cardinality(day_counts) = cardinality(days) AND cardinality(day_sums) = cardinality(days))
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
        toast.autovacuum_vacuum_scale_factor = 0.02);
-- How a batch sends such rows: arrays of arrays can't be unnested, arrays of this can. Not the table's own type, so that
-- the table may get columns while older processes run.
CREATE TYPE feature_row AS (
    person_id  bigint,
    feature    bigint,
    last_at    timestamptz,
    times      bigint[],
    amounts    double precision[],
    "values"   text[],
    days       integer[],
    day_counts integer[],
    day_sums   double precision[]
);

-- Who is to be woken when: one row a person, the one persons.armed_at says. Deleted and inserted, never updated: with
-- the moment in the key an update writes as much and leaves its page all the same.
CREATE TABLE due (
    shard     smallint NOT NULL,
    due_at    timestamptz NOT NULL,
    person_id bigint NOT NULL,
    PRIMARY KEY (shard, due_at, person_id),
    CONSTRAINT due_shard_is_one_of_256 CHECK (shard BETWEEN 0 AND 255)
);
-- All churn, as intake: vacuum by rows, not by share, and early.
ALTER TABLE due SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
                     autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

-- Processes that take part in a sharing-out: role 0 of slices, 1 of queues. Who only sends must not count where slices
-- are shared out, else a part of them would wait for a process that never takes it.
CREATE TABLE workers (
    role   smallint NOT NULL,
    worker uuid NOT NULL,
    until  timestamptz NOT NULL,
    PRIMARY KEY (role, worker),
    CONSTRAINT workers_role_is_known CHECK (role IN (0, 1))
) WITH (fillfactor = 50);

-- The 32 slices of 8 shards, and who writes the people of each. epoch grows whenever a slice is taken. A batch holds
-- its slices FOR KEY SHARE: moving `until` does not wait for that, but changing epoch does, since it is part of a
-- unique key. So an owner renews while its batches run, and nobody takes a slice under a batch.
CREATE TABLE slices (
    slice  smallint PRIMARY KEY,
    worker uuid,
    epoch  bigint NOT NULL DEFAULT 0,
    until  timestamptz,
    CONSTRAINT slices_are_32 CHECK (slice BETWEEN 0 AND 31),
    CONSTRAINT slices_taken_have_an_end CHECK ((worker IS NULL) = (until IS NULL)),
    CONSTRAINT slices_epoch_waits_for_batches UNIQUE (slice, epoch)
) WITH (fillfactor = 50);
INSERT INTO slices (slice) SELECT generate_series(0, 31);

-- The queues of the outbox, one a channel (0 email, 1 sms, 2 push, 3 whatsapp, 4 in_app, 5 webhook, 6 inbox), and who
-- sends what waits there: leased as slices are.
CREATE TABLE dispatch_queues (
    queue  smallint PRIMARY KEY,
    worker uuid,
    epoch  bigint NOT NULL DEFAULT 0,
    until  timestamptz,
    CONSTRAINT dispatch_queues_are_7 CHECK (queue BETWEEN 0 AND 6),
    CONSTRAINT dispatch_queues_taken_have_an_end CHECK ((worker IS NULL) = (until IS NULL)),
    CONSTRAINT dispatch_queues_epoch_waits_for_groups UNIQUE (queue, epoch)
) WITH (fillfactor = 50);
INSERT INTO dispatch_queues (queue) SELECT generate_series(0, 6);

-- Every version of every file that was ever deployed, by the hash of its canonical form. Never deleted: runs are pinned
-- to versions, and history is replayed with them. The name is part of the key because two files may say the same.
-- path is where it stood last.
CREATE TABLE sources (
    hash uuid NOT NULL,
    kind smallint NOT NULL,
    name text NOT NULL,
    path text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (hash, kind, name)
);

-- What is live: the highest number. One row names the whole set, so that all workers change at one commit.
CREATE TABLE deployments (
    number      bigint PRIMARY KEY,
    at          timestamptz NOT NULL,
    note        text NOT NULL,
    environment text NOT NULL,
    CONSTRAINT deployments_are_numbered_from_1 CHECK (number >= 1)
);

-- Its files. role: 0 deployed, 1 an older version that runs were pinned to when it was made.
CREATE TABLE deployment_sources (
    number bigint NOT NULL REFERENCES deployments,
    hash   uuid NOT NULL,
    kind   smallint NOT NULL,
    name   text NOT NULL,
    role   smallint NOT NULL,
    PRIMARY KEY (number, hash, kind, name),
    FOREIGN KEY (hash, kind, name) REFERENCES sources,
    CONSTRAINT deployment_sources_role_is_known CHECK (role IN (0, 1))
);

-- The counters kept for everybody, since which deployment. feature is the hash of the other columns, as
-- journeyman-domain makes it.
CREATE TABLE demands (
    feature bigint PRIMARY KEY,
    event   text NOT NULL,
    field   text,
    money   boolean NOT NULL,
    "by"    text,
    since   bigint NOT NULL,
    CONSTRAINT demands_money_is_of_a_field CHECK (field IS NOT NULL OR NOT money)
);

-- Messages on their way. state: 0 queued (with not_before where it is to be tried again), 2 started,
-- 3 held, 4 unknown: perhaps sent. message_id is made of run, step, visit and leg, so that the same message can't stand
-- here twice. No index on the state: upkeep would cost a third of the rate. A queue is read in the order of seq, from
-- a mark its dispatcher keeps; so states change on their page.
CREATE TABLE outbox (
    queue      smallint NOT NULL,
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    message_id uuid NOT NULL,
    person_id  bigint NOT NULL,
    run        integer NOT NULL,
    journey    text NOT NULL,
    step       text NOT NULL,
    visit      integer NOT NULL,
    leg        smallint NOT NULL,
    channel    smallint NOT NULL,
    address    text NOT NULL,
    template   text NOT NULL,
    marketing  boolean NOT NULL,
    state      smallint NOT NULL DEFAULT 0,
    queued_at  timestamptz NOT NULL,
    not_before timestamptz,
    attempts   integer NOT NULL DEFAULT 0,
    reason     text,
    PRIMARY KEY (queue, seq),
    CONSTRAINT outbox_message_stands_once UNIQUE (message_id),
    CONSTRAINT outbox_queue_is_known CHECK (queue BETWEEN 0 AND 6),
    CONSTRAINT outbox_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT outbox_state_is_known CHECK (state IN (0, 2, 3, 4)),
    CONSTRAINT outbox_started_was_attempted CHECK (state <> 2 OR attempts >= 1),
    CONSTRAINT outbox_visits_and_legs_begin_at_1 CHECK (visit >= 1 AND leg >= 1),
    CONSTRAINT outbox_reason_is_bounded CHECK (octet_length(reason) <= 512)
) WITH (fillfactor = 85);
-- All churn, as intake.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
                        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

-- What became of messages; appended, never updated. state: 10 accepted, 11 rejected, 12 cancelled before it left,
-- 13 withheld: it would have been sent to somebody held out. Partitions are ranges of id, whose time is the run's start.
CREATE TABLE messages (
    id          uuid NOT NULL,
    person_id   bigint NOT NULL,
    run         integer NOT NULL,
    journey     text NOT NULL,
    step        text NOT NULL,
    visit       integer NOT NULL,
    leg         smallint NOT NULL,
    channel     smallint NOT NULL,
    address     text NOT NULL,
    template    text NOT NULL,
    marketing   boolean NOT NULL,
    state       smallint NOT NULL,
    queued_at   timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    reason      text,
    PRIMARY KEY (id),
    CONSTRAINT messages_channel_is_known CHECK (channel BETWEEN 0 AND 6),
    CONSTRAINT messages_state_is_known CHECK (state BETWEEN 10 AND 13),
    CONSTRAINT messages_reason_is_bounded CHECK (octet_length(reason) <= 512)
) PARTITION BY RANGE (id);
CREATE INDEX messages_of_person ON messages (person_id);

-- What the development channel delivered.
CREATE TABLE inbox (
    message_id   uuid PRIMARY KEY,
    person_id    bigint NOT NULL,
    channel      smallint NOT NULL,
    address      text NOT NULL,
    template     text NOT NULL,
    journey      text NOT NULL,
    step         text NOT NULL,
    delivered_at timestamptz NOT NULL
);
CREATE INDEX inbox_of_person ON inbox (person_id);

-- Choices: what was eligible, what was chosen, how likely each was. Models and evaluation read this and nothing else.
CREATE TABLE decisions (
    person_id    bigint NOT NULL,
    run          integer NOT NULL,
    journey      text NOT NULL,
    step         text NOT NULL,
    visit        integer NOT NULL,
    at           timestamptz NOT NULL,
    options      text[] NOT NULL,
    choice       text NOT NULL,
    propensities double precision[] NOT NULL,
    CONSTRAINT decisions_options_have_propensities CHECK (cardinality(options) = cardinality(propensities))
) PARTITION BY RANGE (at);
CREATE INDEX decisions_of_person ON decisions (person_id, at);

-- The order in which things happened to a person: n counts from 1 without gaps. what: 1 an event, 2 a timer, 3 a
-- message accepted, 4 one refused for good; ref is the event's or the message's id, moment when the timer was due or
-- the report's. refusals and refused belong together: the reason's code and what it was of. The key (person_id, n) can
-- be unique in each partition only, since partitions are by time; that it is unique over all follows from persons.version.
CREATE TABLE journal (
    person_id  bigint NOT NULL,
    n          bigint NOT NULL,
    what       smallint NOT NULL,
    ref        uuid,
    moment     timestamptz,
    at         timestamptz NOT NULL,
    deployment bigint NOT NULL,
    refusals   smallint[],
    refused    text[],
    CONSTRAINT journal_what_is_known CHECK (what BETWEEN 1 AND 4),
    CONSTRAINT journal_refers_to_what_it_says CHECK ((ref IS NULL) = (what = 2) AND (moment IS NULL) = (what = 1)),
    CONSTRAINT journal_refusals_are_of_something
        CHECK (coalesce(cardinality(refusals), 0) = coalesce(cardinality(refused), 0))
) PARTITION BY RANGE (at);
CREATE INDEX journal_of_person ON journal (person_id, n);

-- Inputs that could not be applied: moved here from intake, with why, so that they hold nobody up. kind 0: a timer,
-- which stood in due and not in intake.
CREATE TABLE parked (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL,
    shard     smallint,
    lane      smallint,
    seq       bigint,
    kind      smallint NOT NULL,
    ref       uuid NOT NULL,
    at        timestamptz NOT NULL,
    reason    text NOT NULL,
    detail    text NOT NULL,
    CONSTRAINT parked_has_a_whole_place_or_none CHECK (num_nulls(shard, lane, seq) IN (0, 3))
);
CREATE INDEX parked_of_person ON parked (person_id);
