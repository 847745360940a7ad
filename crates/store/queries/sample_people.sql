-- By a hash with the seed, so that the same seed gives the same people wherever their rows lie.
SELECT person_id FROM persons ORDER BY hashint8extended(person_id, $1), person_id LIMIT $2
