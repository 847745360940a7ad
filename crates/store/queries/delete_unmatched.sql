DELETE FROM unmatched_reports WHERE id = ANY ($1)
