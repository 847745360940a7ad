DELETE FROM unmatched_reports WHERE received_at < $1
