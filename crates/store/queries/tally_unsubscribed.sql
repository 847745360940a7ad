-- Of a message that they got: what is said of a channel before anything came by it names none.
SELECT count(*) AS events FROM events WHERE name = 'Unsubscribed' AND payload -> 'properties' ? 'message_id'
