SELECT current_setting('fsync') = 'on' AS fsync, current_setting('synchronous_commit') <> 'off' AS synchronous_commit,
       current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number,
       current_setting('server_encoding') AS encoding
