-- Rehearsals of changes on a copy of the database: what was asked for, how it stands and what was found.
create table holdfast.rehearsals (
  id uuid primary key,
  status text not null,
  -- The piece of advice that was rehearsed, by its id; null for any other change.
  recommendation text,
  created_at timestamptz not null,
  finished_at timestamptz,
  -- The whole of it as the API answers it.
  body jsonb not null
);

create index rehearsals_created_at on holdfast.rehearsals (created_at desc, id desc);
