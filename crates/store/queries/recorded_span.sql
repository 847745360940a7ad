-- How many events there are up to a moment, and when the first and the last of them arrived: an imported one when it
-- happened.
SELECT count(*) AS events, min(arrived_at) AS first, max(arrived_at) AS last
FROM (SELECT CASE WHEN historical THEN occurred_at ELSE received_at END AS arrived_at FROM events) AS arrivals
WHERE $1::timestamptz IS NULL OR arrived_at <= $1
