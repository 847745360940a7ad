-- The strongest name of each of these people: the shop's id of them, else a device's.
SELECT DISTINCT ON (person_id) person_id, kind, value
FROM identities
WHERE person_id = ANY ($1)
ORDER BY person_id, kind, value
