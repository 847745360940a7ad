-- How many lead to these people by now: one that came while their lock was waited for is not among those that are locked.
SELECT count(*) FROM heads WHERE merged_into = ANY ($1)
