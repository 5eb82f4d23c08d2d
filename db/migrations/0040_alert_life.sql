-- Several Holdfasts may watch one database: what each sees of itself alone is kept apart by its name.
alter table holdfast.alerts
  add column instance text not null default '',
  add column peak_severity text,
  add column flapping boolean not null default false,
  add column acknowledged_by text,
  add column notified_at timestamptz,
  add column notified_severity text;

drop index holdfast.alerts_open;
create unique index alerts_open on holdfast.alerts (rule, scope, instance) where resolved_at is null;

-- Where each rule stands: pending, firing, cooling down. What is well has no row.
create table holdfast.alert_states (
  rule text not null,
  scope text not null,
  instance text not null,
  state jsonb not null,
  updated_at timestamptz not null default now(),
  primary key (rule, scope, instance)
);

-- Which Holdfast judges what all of them see; one row.
create table holdfast.alert_lease (
  one boolean primary key default true check (one),
  holder text not null,
  renewed_at timestamptz not null,
  until timestamptz not null
);

create table holdfast.alert_watchers (
  name text primary key,
  seen_at timestamptz not null
);

create table holdfast.alert_silences (
  id uuid primary key,
  rule text,
  scope text,
  reason text not null,
  created_by text not null,
  created_at timestamptz not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  check (ends_at >= starts_at)
);

create index alert_silences_ends_at on holdfast.alert_silences (ends_at);

create table holdfast.alert_deliveries (
  id uuid primary key,
  channel text not null,
  owner text not null,
  state text not null check (state in ('queued', 'delivered', 'dead')),
  summary text not null,
  notices jsonb not null,
  attempts int4 not null,
  created_at timestamptz not null,
  next_attempt_at timestamptz,
  ended_at timestamptz,
  error text
);

create index alert_deliveries_queued on holdfast.alert_deliveries (created_at) where state = 'queued';
create index alert_deliveries_created_at on holdfast.alert_deliveries (created_at desc, id desc);

-- One row per Holdfast, written and read back again and again: whether, and how fast, a commit comes through.
create table holdfast.canary (
  name text primary key,
  seq bigint not null,
  at timestamptz not null
);
