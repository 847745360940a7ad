UPDATE models SET promoted = false WHERE name = $1 AND promoted
