-- The Holdfasts on this database, each written by itself every few seconds.
create table holdfast.instances (
  name text primary key,
  version text not null,
  since timestamptz not null,
  seen_at timestamptz not null
);
