SELECT outbox.message_id
FROM outbox
JOIN stops ON coalesce(stops.journey = outbox.journey, true) AND coalesce(stops.channel = outbox.channel, true)
WHERE stops.id = $1 AND outbox.state = 3
