COPY decisions (person_id, run, journey, step, visit, at, options, choice, propensities) FROM STDIN (FORMAT binary)
