SELECT n, what, ref, moment, at, deployment, refusals, refused, catalog FROM journal WHERE person_id = $1 ORDER BY n
