INSERT INTO sources (hash, kind, name, path, text)
SELECT hash, kind, name, path, text
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[]) AS new (hash, kind, name, path, text)
ON CONFLICT (hash, kind, name) DO UPDATE SET path = excluded.path
