SELECT run, journey, step, visit, at, options, choice, propensities
FROM decisions
WHERE person_id = $1
ORDER BY at, run, step, visit
