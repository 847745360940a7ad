-- A stop is over. What it held and no other holds waits again, as long as before where it is to be tried again.
-- id: null where there is none of that number.
WITH over AS (
    DELETE FROM stops WHERE id = $1 RETURNING id, journey, channel
), freed AS (
    UPDATE outbox
    SET state = 0
    FROM over
    WHERE outbox.state = 3
      AND coalesce(over.journey = outbox.journey, true) AND coalesce(over.channel = outbox.channel, true)
      AND NOT EXISTS (
          SELECT FROM stops
          WHERE stops.id <> $1
            AND coalesce(stops.journey = outbox.journey, true) AND coalesce(stops.channel = outbox.channel, true)
      )
    RETURNING outbox.message_id
)
SELECT (SELECT id FROM over) AS id, (SELECT count(*) FROM freed) AS freed
