-- People with runs under way, in the order of their numbers.
SELECT DISTINCT person_id FROM runs WHERE person_id > $1 ORDER BY person_id LIMIT $2
