-- Events that nobody's journal knows, and those that one person's knows twice.
SELECT count(*) FILTER (WHERE applied IS NULL) AS missing,
       coalesce(sum(applied - 1) FILTER (WHERE applied > 1), 0)::bigint AS again
FROM events
LEFT JOIN (SELECT ref, max(times) AS applied
           FROM (SELECT ref, person_id, count(*) AS times FROM journal WHERE what = 1 GROUP BY 1, 2) AS by_person
           GROUP BY 1) AS journaled ON ref = id
