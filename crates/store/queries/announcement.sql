SELECT marks, after_person, people, everybody FROM announcement
