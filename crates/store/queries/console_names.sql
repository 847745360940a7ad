-- What these people are known by: the shop's id of each, else the first of their devices.
SELECT DISTINCT ON (person_id) person_id, kind, value
FROM identities
WHERE person_id = ANY ($1)
ORDER BY person_id, kind, value
