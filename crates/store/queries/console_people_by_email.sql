SELECT person_id FROM traits
WHERE traits ->> 'email' IS NOT NULL AND plain_address(traits ->> 'email') = plain_address($1)
ORDER BY person_id
LIMIT $2
