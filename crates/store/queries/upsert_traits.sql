INSERT INTO traits (person_id, traits, times)
SELECT person_id, traits::jsonb, times::jsonb
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS new (person_id, traits, times)
ON CONFLICT (person_id) DO UPDATE SET traits = excluded.traits, times = excluded.times
