-- What one person heard of each of these rows: the others' parts stay where they are.
SELECT b.id, b.topic, b.occurred_at, b.received_at, b.items::text AS items, mine.people, mine.item, mine.interest, mine.since
FROM unnest($1::uuid[]) AS wanted (id)
JOIN bulk b ON b.id = wanted.id
CROSS JOIN LATERAL (
    SELECT array_agg(each.people ORDER BY nth) AS people, array_agg(each.item ORDER BY nth) AS item,
           array_agg(each.interest ORDER BY nth) AS interest, array_agg(each.since ORDER BY nth) AS since
    FROM unnest(b.people, b.item, b.interest, b.since) WITH ORDINALITY AS each (people, item, interest, since, nth)
    WHERE each.people = $2
) AS mine
WHERE mine.people IS NOT NULL
