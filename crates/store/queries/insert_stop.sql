INSERT INTO stops (journey, channel, at, note) VALUES ($1, $2, $3, $4) RETURNING id
