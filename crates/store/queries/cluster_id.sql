-- The cluster's birth number and this database's oid on it: a dump restored, or a database made from another as
-- template, differs in at least one; a failover to a replica in none.
SELECT s.system_identifier::text || '/' || d.oid::text
FROM pg_control_system() AS s, pg_database AS d
WHERE d.datname = current_database()
