-- In how many of the same events each property stands; of the elements of `products` it is called `products.NAME`.
WITH recent AS (
    SELECT kind, name, payload -> 'properties' AS said FROM events ORDER BY id DESC LIMIT $1
), keys AS (
    SELECT recent.name, of_one.key
    FROM recent,
         LATERAL (
             SELECT jsonb_object_keys(said) WHERE jsonb_typeof(said) = 'object'
             UNION
             SELECT 'products.' || jsonb_object_keys(line)
             FROM jsonb_array_elements(
                 CASE WHEN jsonb_typeof(said -> 'products') = 'array' THEN said -> 'products' ELSE '[]'::jsonb END
             ) AS line
             WHERE jsonb_typeof(line) = 'object'
         ) AS of_one(key)
    WHERE kind = 0
)
SELECT name, key, count(*) AS events FROM keys GROUP BY name, key
