INSERT INTO mixed (person_id, journey)
SELECT person_id, journey FROM unnest($1::bigint[], $2::text[]) AS new (person_id, journey)
ON CONFLICT DO NOTHING
