create table holdfast.quarantine (
  id bigint generated always as identity primary key,
  received_at timestamptz not null default now(),
  reason text not null,
  path text not null,
  detail text not null,
  line bigint,
  raw text not null
);

create index quarantine_reason on holdfast.quarantine (reason, id);

create table holdfast.idempotency_keys (
  key text primary key,
  fingerprint text,
  answer jsonb,
  created_at timestamptz not null default now()
);

create index idempotency_keys_created_at on holdfast.idempotency_keys (created_at);

create table holdfast.partition_policies (
  schema_name text not null,
  table_name text not null,
  "interval" interval not null,
  time_zone text not null default 'UTC',
  key text not null,
  premake int4 not null check (premake >= 0),
  retention jsonb,
  cooldown interval not null default '7 days',
  seal boolean not null default false,
  enabled boolean not null default true,
  primary key (schema_name, table_name)
);

insert into holdfast.partition_policies (schema_name, table_name, "interval", key, premake)
values ('market', 'ticks', '1 day', 'timestamptz', 7);

create table holdfast.maintenance_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  action text not null,
  table_name text not null,
  partition_name text,
  reason text not null,
  duration_ms double precision not null,
  error text
);

create index maintenance_log_table on holdfast.maintenance_log (table_name, id desc);

create table holdfast.alerts (
  id uuid primary key,
  rule text not null,
  scope text not null,
  alert_type text not null,
  severity text not null,
  state text not null,
  message text not null,
  value double precision,
  threshold double precision,
  started_at timestamptz not null,
  fired_at timestamptz,
  resolved_at timestamptz,
  acknowledged_at timestamptz,
  evidence jsonb not null default '[]',
  cause text not null default '',
  cure jsonb not null default '[]'
);

create unique index alerts_open on holdfast.alerts (rule, scope) where resolved_at is null;
create index alerts_started_at on holdfast.alerts (started_at desc, id desc);

-- Overrides set at run time; the shipped values stay in the code.
create table holdfast.alert_rules (
  name text primary key,
  changes jsonb not null,
  updated_at timestamptz not null default now()
);

create table holdfast.benchmark_runs (
  id uuid primary key,
  profile text not null,
  status text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  seed bigint not null,
  environment jsonb not null default '{}',
  results jsonb not null default '[]',
  error text
);

create index benchmark_runs_started_at on holdfast.benchmark_runs (started_at desc, id desc);
