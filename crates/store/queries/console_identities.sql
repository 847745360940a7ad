SELECT kind, value FROM identities WHERE person_id = ANY ($1) ORDER BY kind, value LIMIT $2
