-- Sessions of ours whose client has fallen silent in the middle of a COPY: a process that was stopped, a host that froze.
-- The server looks at its limits on statements and idle transactions only when the client speaks, so that such a session
-- would keep its locks for as long as the wire seems to stand. $1: how long nobody whose lease still holds is that slow.
SELECT count(pg_terminate_backend(pid))
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = 'journeyman'
  AND state = 'active' AND wait_event = 'ClientRead' AND query LIKE 'COPY %'
  AND clock_timestamp() - query_start > $1 * interval '1 millisecond'
