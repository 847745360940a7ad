INSERT INTO approvals (plan, who, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
