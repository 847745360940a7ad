INSERT INTO deployment_sources (number, hash, kind, name, role)
SELECT $1, hash, kind, name, 0
FROM unnest($2::uuid[], $3::smallint[], $4::text[]) AS new (hash, kind, name)
