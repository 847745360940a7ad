COPY decisions (person_id, run, journey, step, visit, at, options, choice, propensities, what, rule, snapshot, message_id, features) FROM STDIN (FORMAT binary)
