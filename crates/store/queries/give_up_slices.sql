UPDATE slices SET worker = NULL, until = NULL WHERE worker = $1 AND slice = ANY ($2)
