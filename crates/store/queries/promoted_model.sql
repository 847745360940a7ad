SELECT name, version, method, fitted_at, parameters, card, promoted FROM models WHERE name = $1 AND promoted
