-- A piece at a time. All words are older than any that counts, and nobody waits to be told.
DELETE FROM interests
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM interests
    WHERE greatest(viewed, carted, uncarted, wished, unwished, bought, withdrew) < $1
      AND (subscribed IS NULL OR subscribed <= greatest(withdrew, bought))
    LIMIT $2
))
