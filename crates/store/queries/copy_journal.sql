COPY journal (person_id, n, what, ref, moment, at, deployment, refusals, refused) FROM STDIN (FORMAT binary)
