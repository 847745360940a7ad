COPY rewards (person_id, message_id, goal, at, value) FROM STDIN (FORMAT binary)
