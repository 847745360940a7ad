SELECT lane, count(*), min(received_at) AS oldest FROM intake GROUP BY lane ORDER BY lane
