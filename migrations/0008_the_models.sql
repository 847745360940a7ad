-- What is learned. Each fit is a row with a number of its own, the card that says what it was made of and how well it
-- foretold what it had not seen, and the parameters; never changed but in whether it is the one that is used. So a model
-- can be taken back, and what was decided by it still has something to point at.
CREATE TABLE models (
    name       text NOT NULL,
    version    bigint NOT NULL,
    method     text NOT NULL,
    fitted_at  timestamptz NOT NULL,
    parameters jsonb NOT NULL,
    card       jsonb NOT NULL,
    promoted   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (name, version),
    CONSTRAINT models_are_numbered_from_1 CHECK (version >= 1),
    CONSTRAINT models_are_objects
        CHECK (jsonb_typeof(parameters) = 'object' AND jsonb_typeof(card) = 'object')
);
-- One of a name is used, or none.
CREATE UNIQUE INDEX models_one_is_promoted ON models (name) WHERE promoted;

-- When each job of learning was last done to its end, shop time: what makes the next one due. done says what came of it.
CREATE TABLE learned (
    job  text PRIMARY KEY,
    at   timestamptz NOT NULL,
    done jsonb NOT NULL
);
