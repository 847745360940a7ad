-- Who bought on which day (of the zone $1, days since 1970) until $2, and for how much by currency ($3 where an order
-- names none). Amounts come from shops: what is no number from 0 to 10^12 counts as nothing, and the order all the same.
-- In the order of people, so that whoever reads it needs no more than a person at once.
SELECT o.person_id, o.day, o.currency, coalesce(sum(o.value) FILTER (WHERE o.value <= 1e12), 0)::float8 AS value
FROM (
    SELECT e.person_id,
           (e.occurred_at AT TIME ZONE $1)::date - DATE '1970-01-01' AS day,
           CASE WHEN said.properties ->> 'currency' ~ '^[A-Z]{3}$' THEN said.properties ->> 'currency' ELSE $3 END
               AS currency,
           CASE jsonb_typeof(said.worth)
               WHEN 'number' THEN CASE WHEN said.worth >= '0'::jsonb THEN (said.worth #>> '{}')::numeric END
               WHEN 'string' THEN
                   CASE WHEN said.worth #>> '{}' ~ '^[0-9]{1,12}(\.[0-9]{1,9})?$'
                        THEN (said.worth #>> '{}')::numeric END
           END AS value
    FROM events e
    CROSS JOIN LATERAL (
        SELECT e.payload -> 'properties' AS properties,
               coalesce(nullif(e.payload #> '{properties,revenue}', 'null'::jsonb),
                        nullif(e.payload #> '{properties,total}', 'null'::jsonb),
                        nullif(e.payload #> '{properties,value}', 'null'::jsonb)) AS worth
    ) AS said
    WHERE e.name = 'Order Completed' AND e.kind = 0 AND e.occurred_at <= $2
) AS o
GROUP BY o.person_id, o.day, o.currency
ORDER BY o.person_id, o.day
