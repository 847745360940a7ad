SELECT (SELECT count(*) FROM events) AS events,
       (SELECT count(*) FROM journal WHERE what = 1) AS applied,
       (SELECT count(*) FROM heads WHERE merged_into IS NULL) AS people,
       (SELECT count(*) FROM rejected_events) AS rejected,
       (SELECT count(*) FROM parked) AS parked
