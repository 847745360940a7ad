-- Numbers go on from the highest there ever was: lines are not deleted.
INSERT INTO lines (line, channel, sender)
SELECT last.line + row_number() OVER (ORDER BY new.sender), $1, new.sender
FROM (SELECT coalesce(max(line), 15) AS line FROM lines) AS last
CROSS JOIN (SELECT DISTINCT sender FROM unnest($2::text[]) AS given (sender)) AS new
WHERE NOT EXISTS (SELECT FROM lines WHERE channel = $1 AND lines.sender = new.sender)
