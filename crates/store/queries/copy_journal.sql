COPY journal (person_id, n, what, ref, moment, at, deployment, refusals, refused, catalog) FROM STDIN (FORMAT binary)
