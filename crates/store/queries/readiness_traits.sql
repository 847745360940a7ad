-- Of some people, how many have which trait. An empty name: how many people were looked at.
WITH looked AS (
    SELECT p.person_id, t.traits FROM (SELECT person_id FROM persons LIMIT $1) AS p LEFT JOIN traits t USING (person_id)
)
SELECT key, count(*) AS people
FROM looked, LATERAL (SELECT '' UNION ALL SELECT jsonb_object_keys(traits) WHERE traits IS NOT NULL) AS of_one(key)
GROUP BY key
