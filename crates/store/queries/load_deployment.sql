SELECT s.hash, s.kind, s.name, s.path, s.text, d.role = 1 AS pinned
FROM deployment_sources d
JOIN sources s ON s.hash = d.hash AND s.kind = d.kind AND s.name = d.name
WHERE d.number = $1
ORDER BY d.role, s.kind, s.name, s.hash
