-- What server this is, and how far its transaction ids have aged (wraparound stops writes near 2^31).
select
  current_setting('server_version_num')::float8 as version_number,
  current_setting('server_version') as version,
  extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8 as uptime_seconds,
  pg_is_in_recovery() as in_recovery,
  age(d.datfrozenxid)::float8 as xid_age,
  mxid_age(d.datminmxid)::float8 as multixact_age,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all_sessions
from pg_database as d
where d.datname = current_database()
