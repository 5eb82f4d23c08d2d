-- Work that outlasted the request that asked for it: how far it is, and what came of it.
create table holdfast.operations (
  id uuid primary key,
  kind text not null,
  -- What it is done to, such as a table or a symbol.
  subject text not null,
  status text not null check (status in ('running', 'succeeded', 'failed', 'aborted')),
  progress jsonb,
  result jsonb,
  problems jsonb not null default '[]',
  started_at timestamptz not null,
  -- Moved on while it runs: one that stands still has lost its process.
  updated_at timestamptz not null,
  finished_at timestamptz
);

create index operations_started_at on holdfast.operations (started_at desc, id desc);
create index operations_running on holdfast.operations (updated_at) where status = 'running';
