COPY events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload)
FROM STDIN (FORMAT binary)
