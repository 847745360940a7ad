SELECT person_id, run, journey, step, visit, at, options, choice, propensities, what, rule, snapshot, message_id, features
FROM decisions
WHERE person_id = $1
ORDER BY at, run, step, visit, what
