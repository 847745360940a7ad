SELECT marks, after_person, people FROM announcement
