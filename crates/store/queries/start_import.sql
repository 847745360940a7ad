-- The update changes nothing: it makes the row come back when the file is known already.
INSERT INTO imports (source, digest, settings, started_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (source, digest) DO UPDATE SET source = imports.source
RETURNING settings, lines_done, accepted, rejected, finished_at
