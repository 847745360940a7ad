-- The stops in force, and how many messages each holds at this moment; one that two hold is counted by both.
SELECT stops.id, stops.journey, stops.channel, stops.at, stops.note, stops.discards,
       (SELECT count(*)
        FROM outbox
        WHERE outbox.state = 3
          AND coalesce(stops.journey = outbox.journey, true) AND coalesce(stops.channel = outbox.channel, true)) AS held
FROM stops
ORDER BY stops.id
