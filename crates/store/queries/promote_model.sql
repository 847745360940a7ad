UPDATE models SET promoted = true WHERE name = $1 AND version = $2
