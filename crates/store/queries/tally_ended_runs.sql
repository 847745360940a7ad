-- mixed: whoever it belongs to now may have been in two options of the journey, under whatever id the run stands.
WITH parted AS (
    SELECT DISTINCT coalesce(h.merged_into, h.person_id) AS person_id, m.journey
    FROM mixed m
    JOIN heads h USING (person_id)
)
SELECT r.journey, r.held_out, r.goal_at IS NOT NULL AS reached, p.person_id IS NOT NULL AS mixed, count(*) AS runs
FROM ended_runs r
JOIN heads h USING (person_id)
LEFT JOIN parted p ON p.person_id = coalesce(h.merged_into, h.person_id) AND p.journey = r.journey
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
