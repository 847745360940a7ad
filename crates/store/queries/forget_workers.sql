-- Those gone for long; a worker that comes back late says so itself.
DELETE FROM workers WHERE until < now() - interval '1 hour'
