-- Whether news of before a moment, as an id of it, waits to be applied.
SELECT EXISTS (SELECT FROM intake WHERE kind = 6 AND ref < $1)
