-- Sessions by state, their limit, and the oldest of each kind, in one pass over pg_stat_activity. Users and queries are of
-- any database, in its encoding: they are sent as bytes (db/foreign_text.ts).
with sessions as (
  select
    pid,
    usename,
    application_name,
    query,
    state,
    backend_type,
    xact_start,
    state_change,
    wait_event_type,
    -- Without the right to read all statistics, only the user of another role's session is visible.
    (query = '<insufficient privilege>' and usesysid is not null) as hidden
  from pg_stat_activity
  where pid <> pg_backend_pid()
)
select
  count(*) filter (where backend_type = 'client backend' or hidden)::float8 + 1 as used,
  (
    current_setting('max_connections')::float8
    - current_setting('superuser_reserved_connections')::float8
    - coalesce(current_setting('reserved_connections', true)::float8, 0)
  ) as "limit",
  count(*) filter (where state = 'active')::float8 as active,
  count(*) filter (where state = 'idle')::float8 as idle,
  count(*) filter (where state = 'idle in transaction')::float8 as idle_in_transaction,
  count(*) filter (where state = 'idle in transaction (aborted)')::float8 as idle_in_transaction_aborted,
  count(*) filter (where hidden)::float8 as hidden,
  count(*) filter (where wait_event_type = 'Lock')::float8 as blocked,
  coalesce(max(extract(epoch from clock_timestamp() - xact_start))
    filter (where backend_type = 'client backend'), 0)::float8 as longest_transaction_seconds,
  coalesce(max(extract(epoch from clock_timestamp() - state_change))
    filter (where state like 'idle in transaction%'), 0)::float8 as longest_idle_in_transaction_seconds,
  (
    select coalesce(jsonb_agg(jsonb_build_object(
      'pid', pid,
      'user', encode(substring(replace(usename::text, '\', '\\')::bytea from 1 for 500), 'base64'),
      'application', application_name,
      'state', state,
      'open_seconds', round(extract(epoch from clock_timestamp() - xact_start)),
      'in_state_seconds', round(extract(epoch from clock_timestamp() - state_change)),
      'query', encode(substring(replace(query, '\', '\\')::bytea from 1 for 500), 'base64')
    ) order by xact_start), '[]')
    from (
      select * from sessions
      where xact_start is not null and backend_type = 'client backend'
      order by xact_start
      limit 5
    ) as oldest
  ) as oldest_transactions
from sessions
