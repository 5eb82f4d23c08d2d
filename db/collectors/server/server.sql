-- The facts that questions are chosen by, the server's uptime and its clock.
select
  f.*,
  current_setting('server_version') as version,
  extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8 as uptime_seconds,
  extract(epoch from clock_timestamp())::float8 as now_seconds,
  pg_is_in_recovery() as in_recovery,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all_sessions
from (
$facts) as f
