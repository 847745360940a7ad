INSERT INTO features (person_id, feature, last_at, times, amounts, "values", days, day_counts, day_sums)
SELECT person_id, feature, last_at, times, amounts, "values", days, day_counts, day_sums
FROM unnest($1::feature_row[])
ON CONFLICT (person_id, feature) DO UPDATE
SET last_at = excluded.last_at, times = excluded.times, amounts = excluded.amounts, "values" = excluded."values",
    days = excluded.days, day_counts = excluded.day_counts, day_sums = excluded.day_sums
