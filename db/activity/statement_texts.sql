-- The text of the given statements alone. The function reads all texts from their file however few are asked for, so
-- this runs only when a statement was seen for the first time. "$extension" as in collectors/statements/statements.sql.
select
  s.queryid::text as query_id,
  left(min(s.query), 2000) as query
from "$extension".pg_stat_statements(true) as s
where s.queryid::text = any($1::text[])
group by s.queryid
