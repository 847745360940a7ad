INSERT INTO demands (feature, event, field, money, "by", since)
SELECT feature, event, field, money, "by", $6
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::text[]) AS new (feature, event, field, money, "by")
ON CONFLICT (feature) DO NOTHING
