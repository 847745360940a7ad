COPY outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic,
             sender, data, queued_at, deployment)
FROM STDIN (FORMAT binary)
