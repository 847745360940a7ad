-- These people and the signposts that lead to them, locked in the order of their ids, which is the order in which everybody
-- locks them: nobody waits for somebody who waits for them.
SELECT person_id, merged_into, born_at
FROM heads
WHERE person_id = ANY ($1) OR merged_into = ANY ($1)
ORDER BY person_id
FOR UPDATE
