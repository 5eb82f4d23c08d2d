-- Idempotency keys of requests other than uploads of ticks: what each made is answered again, and made once.
create table holdfast.request_keys (
  -- A key holds for one path.
  path text not null,
  key text not null,
  -- SHA-256 of the query and the body.
  fingerprint text not null,
  -- The process that runs the request.
  claimed_by uuid not null,
  claimed_at timestamptz not null default now(),
  -- Null: it runs, or nobody knows what became of it.
  status int2,
  headers jsonb,
  body text,
  primary key (path, key)
);

create index request_keys_claimed_at on holdfast.request_keys (claimed_at);
