SELECT DISTINCT journey FROM mixed WHERE person_id = ANY ($1) ORDER BY journey
