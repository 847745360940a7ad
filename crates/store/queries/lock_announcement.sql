-- One process announces at a time: who finds the row locked leaves it to the other.
SELECT marks, after_person, people, everybody FROM announcement FOR UPDATE SKIP LOCKED
