SELECT channel, address, topic, kind, at, event
FROM suppressions
WHERE channel = $1 AND address = $2
ORDER BY topic, kind
