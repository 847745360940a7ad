-- What came of channels that were drawn: by journey, step, cohort and channel, each message weighted by its age, which halves it
-- every $4 days. Only those whose window of $3 seconds is over, so that what is answered quickly has no advantage; but none that
-- was called off before it left.
SELECT journey, step, cohort, choice, sum(weight) AS tries, coalesce(sum(weight) FILTER (WHERE hit), 0) AS hits,
       count(*) AS messages, count(*) FILTER (WHERE hit) AS rewarded
FROM (SELECT d.journey, d.step, d.features::jsonb ->> 'cohort' AS cohort, d.choice,
             power(0.5::double precision, extract(epoch FROM $1 - d.at)::double precision / 86400 / $4) AS weight,
             EXISTS (SELECT FROM rewards r
                     WHERE r.message_id = d.message_id AND r.at <= d.at + make_interval(secs => $3)) AS hit
      FROM decisions d
      WHERE d.what = 2 AND d.message_id IS NOT NULL AND d.at >= $2 AND d.at <= $1 - make_interval(secs => $3)
        AND NOT EXISTS (SELECT FROM messages m WHERE m.id = d.message_id AND m.state = 12)) AS tried
GROUP BY journey, step, cohort, choice
ORDER BY journey, step, cohort, choice
