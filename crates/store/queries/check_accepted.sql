SELECT id FROM messages WHERE state = 10 AND channel < 4
