-- $1 is where each was read; + 0 keeps the planner from the key's tree, which is a descent a row.
UPDATE runs
SET plan = new.plan, step = new.step, state = new.state
FROM unnest($1::text[]::tid[], $2::bigint[], $3::integer[], $4::uuid[], $5::text[], $6::bytea[])
    AS new (place, person_id, number, plan, step, state)
WHERE runs.ctid = new.place AND runs.person_id + 0 = new.person_id AND runs.number + 0 = new.number
