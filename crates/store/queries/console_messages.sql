-- Messages by journey, step and state: all that are on their way, and those of runs that began since.
SELECT journey, step, state, count(*) AS messages FROM outbox GROUP BY journey, step, state
UNION ALL
SELECT journey, step, state, count(*) FROM messages WHERE id >= $1 GROUP BY journey, step, state
ORDER BY journey, step, state
