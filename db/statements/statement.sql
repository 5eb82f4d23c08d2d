-- The text of one statement with the role that ran it, of several roles the one whose rights are at hand: Holdfast's own,
-- then one that it may become. The function reads all texts from their file. "$extension" as in
-- collectors/statements/statements.sql.
select
  case when length(s.query) <= $2::int4 then s.query end as query,
  r.rolname as role,
  coalesce(r.rolname = session_user, false) as own,
  coalesce(
    pg_has_role(
      session_user,
      r.oid,
      case when current_setting('server_version_num')::int4 >= 160000 then 'set' else 'member' end
    ),
    false
  ) as may_become,
  session_user::text as session_role,
  current_database()::text as database,
  array(
    select c.setting
    from pg_db_role_setting as g
    cross join lateral unnest(g.setconfig) as c (setting)
    where g.setrole in (0, s.userid) and g.setdatabase in (0, s.dbid)
    order by
      g.setrole = 0 desc,
      g.setdatabase = 0 desc
  ) as settings
from "$extension".pg_stat_statements(true) as s
left join pg_roles as r on r.oid = s.userid
where s.dbid = (select oid from pg_database where datname = current_database())
  and s.queryid = $1::text::int8
order by
  own desc,
  may_become desc,
  s.toplevel desc,
  s.calls desc
limit 1
