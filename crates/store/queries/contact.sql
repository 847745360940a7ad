-- The last message to a number, by its digits.
SELECT message_id FROM contacts WHERE channel = $1 AND address = $2
