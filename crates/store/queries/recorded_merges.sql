-- Who was merged, and into whom: few were, and a small index holds them.
SELECT person_id, merged_into FROM heads WHERE merged_into IS NOT NULL
