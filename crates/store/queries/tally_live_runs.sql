-- mixed as in tally_ended_runs; who has a run under way is nobody else by now.
SELECT r.journey, r.state,
       EXISTS (SELECT FROM mixed m JOIN heads h ON h.person_id = m.person_id
               WHERE m.journey = r.journey AND coalesce(h.merged_into, h.person_id) = r.person_id) AS mixed
FROM runs r
ORDER BY r.person_id, r.number
