DELETE FROM features WHERE feature = ANY ($1)
