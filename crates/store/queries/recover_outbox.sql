-- What another left behind in the lines of a channel: what it had started has perhaps left, and is held as $2 has it of
-- marketing and $3 of the rest. LATERAL, so that each line is a range of the key; then locked by their ids, in the order in
-- which everybody locks messages.
WITH line AS MATERIALIZED (
    SELECT $1::smallint AS line
    UNION ALL
    SELECT line FROM lines WHERE channel = $1
), found AS MATERIALIZED (
    SELECT waiting.message_id
    FROM line
    CROSS JOIN LATERAL (
        SELECT message_id FROM outbox WHERE outbox.queue = line.line AND outbox.state = 2 OFFSET 0
    ) AS waiting
), left_behind AS MATERIALIZED (
    SELECT locked.place
    FROM (SELECT message_id FROM found ORDER BY message_id) AS found
    CROSS JOIN LATERAL (
        SELECT ctid AS place
        FROM outbox
        WHERE outbox.message_id = found.message_id AND outbox.state = 2
        FOR UPDATE
    ) AS locked
)
UPDATE outbox
SET state = CASE WHEN CASE WHEN marketing THEN $2::boolean ELSE $3::boolean END THEN 4 ELSE 0 END
FROM left_behind
WHERE outbox.ctid = left_behind.place
RETURNING outbox.state
