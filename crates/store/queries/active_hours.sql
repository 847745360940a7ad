-- When people were active: of at most $2 people, the same ones as long as nobody joins, the moments that the counter $1 has kept.
SELECT p.zone, f.times
FROM features f
JOIN persons p USING (person_id)
WHERE f.feature = $1 AND cardinality(f.times) > 0
ORDER BY hashint8(f.person_id), f.person_id
LIMIT $2
