SELECT line, sender FROM lines WHERE channel = $1 ORDER BY line
