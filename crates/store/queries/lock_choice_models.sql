-- The lock's key is a fixed number of ours; it ends with the transaction.
SELECT pg_try_advisory_xact_lock(7421009)
