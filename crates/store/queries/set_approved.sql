UPDATE deployments SET approved_by = $2 WHERE number = $1
