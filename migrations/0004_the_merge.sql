-- Two people who turned out to be one. The door decides who stays and writes heads; whoever writes the loser closes them
-- and hands their state over; whoever writes the winner takes it. Rows of what happened stay where they were written.

-- outcome: 1 carried out, 2 refused since both are known; null of what was asked for before merges were carried out.
ALTER TABLE merge_requests ADD COLUMN outcome smallint,
    ADD CONSTRAINT merge_requests_outcome_is_known CHECK (outcome IN (1, 2));

-- heads are kept one step from where they lead: whoever merges moves the signposts that lead to the loser, found by this.
CREATE INDEX heads_leading_to ON heads (merged_into) WHERE merged_into IS NOT NULL;

-- kind: 4 the person turned out to be somebody else, 5 somebody else turned out to be the person; ref is both ids of the
-- merge, the loser's first, 64 bits each.
ALTER TABLE intake DROP CONSTRAINT intake_kind_is_known,
    ADD CONSTRAINT intake_kind_is_known CHECK (kind IN (1, 2, 3, 4, 5));

-- Where the state of somebody who is closed went: nothing is applied to them any more, and strays go on to there. The
-- winner may have ended in another since, who is found in the same way.
ALTER TABLE persons ADD COLUMN merged_into bigint,
    ADD CONSTRAINT persons_merge_into_another CHECK (merged_into <> person_id);
CREATE INDEX persons_merged ON persons (merged_into) WHERE merged_into IS NOT NULL;

-- States on their way from the loser to the winner: written with what closes the loser, deleted with what takes them.
-- plans are the versions that the runs in it are pinned to. state is encoded by journeyman-domain and carries its own
-- version; null of one that can't be had, since what would have closed the loser was moved aside.
CREATE TABLE handovers (
    person_id bigint PRIMARY KEY,
    winner    bigint NOT NULL,
    at        timestamptz NOT NULL,
    plans     uuid[] NOT NULL,
    state     bytea,
    CONSTRAINT handovers_lead_to_another CHECK (winner <> person_id)
);

-- what: 5 closed, 6 the state of somebody who turned out to be them was taken over; ref as in intake.
ALTER TABLE journal DROP CONSTRAINT journal_what_is_known,
    ADD CONSTRAINT journal_what_is_known CHECK (what BETWEEN 1 AND 6);

-- Who was, or may have been, in two options of a journey, since two of them were drawn before they turned out to be one.
-- Reports of lift leave them out; heads say who belongs to whom, here as there.
CREATE TABLE mixed (
    person_id bigint NOT NULL,
    journey   text NOT NULL,
    PRIMARY KEY (person_id, journey)
);

-- Where runs went with the state of their person: what was sent for them before stands under their old numbers.
CREATE TABLE moved_runs (
    person_id bigint NOT NULL,
    number    integer NOT NULL,
    winner    bigint NOT NULL,
    becomes   integer NOT NULL,
    PRIMARY KEY (person_id, number)
);
