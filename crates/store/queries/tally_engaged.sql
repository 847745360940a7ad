-- What people did with messages, each message once, by its journey and channel. What a rule of the door calls a machine's does not count.
SELECT m.journey, m.channel,
       count(*) FILTER (WHERE opened OR clicked) AS opened,
       count(*) FILTER (WHERE clicked) AS clicked
FROM (SELECT replace(payload -> 'properties' ->> 'message_id', 'msg_', '')::uuid AS id,
             bool_or(name IN ('Message Loaded', 'Message Opened')) AS opened,
             bool_or(name = 'Message Followed') AS clicked
      FROM events
      WHERE (source = 'tracking' AND name IN ('Message Loaded', 'Message Followed')
             OR source = 'whatsapp' AND name = 'Message Opened')
        AND payload -> 'properties' -> 'machine' IS NULL
      GROUP BY 1) AS seen
JOIN messages AS m USING (id)
GROUP BY 1, 2
ORDER BY 1, 2
