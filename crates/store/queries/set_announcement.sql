UPDATE announcement SET marks = $1, after_person = $2, people = $3, begun_at = coalesce($4, begun_at), everybody = $5
