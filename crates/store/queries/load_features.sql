SELECT f.person_id, f.feature, f.last_at, f.times, f.amounts, f."values", f.days, f.day_counts, f.day_sums
FROM unnest($1::bigint[]) AS wanted (person_id)
JOIN features f ON f.person_id = wanted.person_id
ORDER BY f.person_id, f.feature
