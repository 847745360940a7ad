COPY messages (id, person_id, run, journey, step, visit, leg, channel, address, template, marketing, topic, sender, data,
               queued_at, deployment, state, finished_at)
FROM STDIN (FORMAT binary)
