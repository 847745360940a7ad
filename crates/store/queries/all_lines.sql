SELECT line, channel, sender FROM lines
