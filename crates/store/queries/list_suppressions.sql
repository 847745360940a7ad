SELECT channel, address, topic, kind, at, event
FROM suppressions
WHERE ($1::smallint IS NULL OR channel = $1) AND ($2::smallint IS NULL OR kind = $2)
ORDER BY at DESC, channel, address, topic, kind
LIMIT $3
