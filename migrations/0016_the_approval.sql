-- Who has looked at a plan and says yes to it. A plan's name is made of what is live and of the files, so that a yes counts for just
-- that change; rows of plans that never went live stay, as a record.
CREATE TABLE approvals (
    plan uuid NOT NULL,
    who  text NOT NULL,
    at   timestamptz NOT NULL,
    PRIMARY KEY (plan, who),
    CONSTRAINT approvals_are_somebodys CHECK (who <> '' AND octet_length(who) <= 200)
);
ALTER TABLE deployments ADD COLUMN approved_by text[] NOT NULL DEFAULT '{}';
