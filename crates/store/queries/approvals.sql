SELECT who FROM approvals WHERE plan = $1 ORDER BY at, who
