-- What was measured: one row a value, narrow, without an index on each: leaves are small and read whole or by BRIN.
create table holdfast.sample_series (
  id int4 generated always as identity primary key,
  name text not null,
  scope text not null default '',
  unique (name, scope)
);

create table holdfast.samples (
  ts timestamptz not null,
  value float8 not null,
  series int4 not null
) partition by range (ts);

-- Rollups in float4: seven digits are enough for a chart and a threshold, and spare a quarter of the room.
create table holdfast.samples_1m (
  ts timestamptz not null,
  series int4 not null,
  min float4 not null,
  avg float4 not null,
  max float4 not null,
  last float4 not null
) partition by range (ts);

create table holdfast.samples_15m (like holdfast.samples_1m) partition by range (ts);
create table holdfast.samples_1d (like holdfast.samples_1m) partition by range (ts);

create index on holdfast.samples using brin (ts) with (pages_per_range = 16);
create index on holdfast.samples_1m using brin (ts) with (pages_per_range = 16);

-- Up to where each table has been rolled up from the one below it.
create table holdfast.sample_rollups (
  table_name text primary key,
  rolled_until timestamptz not null
);

-- What was seen around an alert that turned critical, frozen.
create table holdfast.incidents (
  id uuid primary key,
  alert_id uuid not null,
  alert_type text not null,
  scope text not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  bytes int4 not null,
  report jsonb not null
);

create index incidents_opened_at on holdfast.incidents (opened_at desc, id desc);

-- What changed on the server, as far as Holdfast saw it: settings, DDL, restarts, resets of statistics.
create table holdfast.server_changes (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  kind text not null,
  subject text not null,
  before text,
  after text
);

create index server_changes_at on holdfast.server_changes (at desc);
