DELETE FROM workers WHERE role = $1 AND worker = $2
