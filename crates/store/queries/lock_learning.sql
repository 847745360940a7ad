-- Who learns: one at a time, until the connection closes. A second one is told, not kept waiting.
SELECT pg_try_advisory_lock(7421003)
