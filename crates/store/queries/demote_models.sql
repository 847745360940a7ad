-- Before another is promoted: a statement of its own, since one of a name may be promoted at any moment.
UPDATE models SET promoted = false WHERE name = $1 AND promoted AND version IS DISTINCT FROM $2
