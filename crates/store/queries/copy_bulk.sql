COPY bulk (id, topic, occurred_at, received_at, items, people, item, interest, since) FROM STDIN (FORMAT binary)
