SELECT (SELECT count(*) FROM intake) AS inputs,
       (SELECT count(*) FROM due WHERE due_at <= $1) AS timers,
       (SELECT count(*) FROM outbox
        WHERE state = 2 OR state = 0 AND (not_before IS NULL OR not_before <= $1)) AS messages,
       least((SELECT min(due_at) FROM due),
             (SELECT min(not_before) FROM outbox WHERE state = 0)) AS next_at
