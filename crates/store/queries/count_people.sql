-- Who turned out to be somebody else is counted there.
SELECT count(*) FROM persons JOIN heads USING (person_id) WHERE heads.merged_into IS NULL
