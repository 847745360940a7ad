SELECT count(*) FROM workers WHERE role = $1 AND until > now()
