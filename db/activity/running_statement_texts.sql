-- The text of the given statements from sessions of this database that run them or ran them last. Needed where an entry
-- of a database in another encoding keeps pg_stat_statements from showing any text. Sent as bytes (db/foreign_text.ts).
select distinct on (query_id)
  query_id::text as query_id,
  encode(substring(replace(query, '\', '\\')::bytea from 1 for 500), 'base64') as query
from pg_stat_activity
where query_id::text = any($1::text[])
  and datname = current_database()
order by query_id, pid
