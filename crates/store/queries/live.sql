-- What a batch begins with: the deployment that is live, and every line; one row where there are none.
SELECT d.number, l.line, l.channel, l.sender
FROM (SELECT coalesce(max(number), 0) AS number FROM deployments) AS d
LEFT JOIN lines l ON true
