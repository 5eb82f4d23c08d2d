-- The last rotation made under clocks that agreed: a jump is seen by it.
create table holdfast.rotation_clock (
  only_one boolean primary key default true check (only_one),
  server_at timestamptz not null,
  -- The latest such time ever; a clock that went back may return to it.
  peak_at timestamptz not null
);

insert into holdfast.rotation_clock (server_at, peak_at)
select max(at), max(at)
from holdfast.maintenance_log
where error is null
having max(at) is not null;

-- What retention holds back and why, as the last rotation found it.
create table holdfast.retention_holds (
  schema_name text not null,
  table_name text not null,
  kind text not null,
  partition_name text not null default '',
  partitions integer not null,
  reason text not null,
  since timestamptz not null default now(),
  primary key (schema_name, table_name, kind, partition_name)
);

alter table holdfast.detached_partitions add column within_brake boolean not null default false;

comment on column holdfast.detached_partitions.within_brake is
  'detached with no more than the usual few, unasked: its drop is not counted again';

-- Records are deleted by age as of this time: the server's, but no more than a day past the last rotation made
-- under clocks that agreed, so that a clock that jumps ahead deletes nothing.
create function holdfast.trusted_now() returns timestamptz
language sql
volatile
set search_path = pg_catalog
as $$
  select least(clock_timestamp(), (select peak_at + interval '1 day' from holdfast.rotation_clock))
$$;

comment on function holdfast.trusted_now() is 'the time by which records are deleted for their age';
