SELECT at, done FROM learned WHERE job = $1
