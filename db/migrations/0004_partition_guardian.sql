set local intervalstyle = 'postgres';

-- Text, for the key id counts ids; Postgres reads and writes the intervals, in its own style.
alter table holdfast.partition_policies
  alter column "interval" type text using "interval"::text,
  alter column cooldown drop default,
  alter column cooldown type text using cooldown::text,
  alter column cooldown set default '7 days',
  add column windows jsonb,
  add column updated_at timestamptz;

comment on column holdfast.partition_policies.updated_at is
  'null: as shipped; then the settings HOLDFAST_PREMAKE_DAYS and HOLDFAST_RETENTION_DAYS hold for market.ticks';

-- Leaves that retention detached: what they were, and what is to become of them. Written before the detach begins.
create table holdfast.detached_partitions (
  id bigint generated always as identity primary key,
  schema_name text not null,
  table_name text not null,
  leaf_schema text not null,
  leaf_name text not null,
  leaf_oid oid not null,
  bound text not null,
  action text not null,
  planned_at timestamptz not null,
  detached_at timestamptz,
  archived_at timestamptz,
  ended_at timestamptz,
  outcome text
);

create unique index detached_partitions_open on holdfast.detached_partitions (leaf_oid) where ended_at is null;
create index detached_partitions_table on holdfast.detached_partitions (schema_name, table_name) where ended_at is null;

-- The highest id of tables whose key is a number, as it was: the rate at which they fill.
create table holdfast.partition_positions (
  schema_name text not null,
  table_name text not null,
  at timestamptz not null,
  position numeric not null,
  primary key (schema_name, table_name, at)
);

alter table holdfast.maintenance_log add column sql text;
