-- Learned choices: what was chosen by which rule and whose beliefs, for which message, and what came of it. The models that are made
-- of that stand among the others, in `models`.

-- what: 1 an option of `choose`, 2 a channel, 3 an hour of the week on the person's clock. rule: 1 the journey's shares, 2 a
-- model's beliefs, 3 the simple rule for want of a model, 4 because the model was too old. snapshot is the model's number, 0
-- where none decided. message_id is the message it was made for, null where the person is held out: nothing is learned then.
-- features is what was known of the person, a JSON object.
ALTER TABLE decisions
    ADD COLUMN what       smallint NOT NULL DEFAULT 1,
    ADD COLUMN rule       smallint NOT NULL DEFAULT 1,
    ADD COLUMN snapshot   bigint NOT NULL DEFAULT 0,
    ADD COLUMN message_id uuid,
    ADD COLUMN features   text NOT NULL DEFAULT '{}',
    ADD CONSTRAINT decisions_what_is_known CHECK (what BETWEEN 1 AND 3),
    ADD CONSTRAINT decisions_rule_is_known CHECK (rule BETWEEN 1 AND 4),
    ADD CONSTRAINT decisions_learned_have_a_snapshot CHECK ((rule = 2) = (snapshot > 0));

-- Something good that came of a message: a human clicked (goal false), or the run's goal was reached. More than one row of a
-- message is no more reward than one.
CREATE TABLE rewards (
    person_id  bigint NOT NULL,
    message_id uuid NOT NULL,
    goal       boolean NOT NULL,
    at         timestamptz NOT NULL,
    value      double precision
) PARTITION BY RANGE (at);
CREATE INDEX rewards_of_message ON rewards (message_id);
