-- Tables on their way into partitions: conversions of plain tables, and drains of default partitions. The row says how
-- far one is and holds every statement that is still to come, so that any Holdfast can go on after a crash.
create table holdfast.partition_moves (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('convert', 'drain')),
  schema_name text not null,
  table_name text not null,
  spec jsonb not null,
  phase text not null,
  blocks bigint not null,
  next_block bigint not null default 0,
  rows_copied bigint not null default 0,
  changes_applied bigint not null default 0,
  direct_xid text,
  direct_at timestamptz,
  rows_verified bigint,
  content_hash text,
  lock_ms double precision,
  waits_for text,
  error text,
  started_at timestamptz not null,
  updated_at timestamptz not null,
  ended_at timestamptz
);

create unique index partition_moves_open on holdfast.partition_moves (schema_name, table_name) where ended_at is null;
