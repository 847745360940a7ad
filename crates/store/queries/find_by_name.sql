SELECT person_id FROM identities WHERE kind = $1 AND value = $2
