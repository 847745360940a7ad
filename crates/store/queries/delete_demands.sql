DELETE FROM demands WHERE feature <> ALL ($1) RETURNING feature
