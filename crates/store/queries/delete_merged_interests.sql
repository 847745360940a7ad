-- What stands under the id of somebody whose state was taken over stands under the other's too.
DELETE FROM interests i
USING persons p
WHERE p.person_id = i.person_id AND p.merged_into IS NOT NULL
  AND NOT EXISTS (SELECT FROM handovers h WHERE h.person_id = p.person_id)
