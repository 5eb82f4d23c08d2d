-- Changes made through the API: who, what, when, from where, and how it ended. Neither bodies nor secrets.
create table holdfast.audit_log (
  id int8 generated always as identity primary key,
  -- Of the first of the requests that are summed here.
  request_id uuid not null unique,
  instance text not null,
  at timestamptz not null,
  -- Of the last of them.
  until timestamptz not null,
  requests int4 not null check (requests > 0),
  -- token, session or open.
  via text not null,
  actor text not null,
  actor_id text not null,
  scope text not null,
  operation text not null,
  method text not null,
  path text not null,
  status int2 not null,
  -- Not inet: what a proxy says need not be an address.
  address text not null
);
create index audit_log_at on holdfast.audit_log (at);
