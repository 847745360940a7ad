-- Who is under way, by journey, version and step. Reads every live run once.
SELECT journey, plan, step, count(*) FROM runs GROUP BY journey, plan, step ORDER BY journey, plan, step
