-- Rows come sorted. Fewer returned than sent: somebody else was first with a name, or with a person's external id.
INSERT INTO identities (kind, value, person_id)
SELECT kind, value, person_id
FROM unnest($1::smallint[], $2::text[], $3::bigint[]) AS new (kind, value, person_id)
ON CONFLICT DO NOTHING
