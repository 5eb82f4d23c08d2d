-- What a sealed partition held when it was sealed, so that any later change is found and named.
create table holdfast.sealed_partitions (
  id bigint generated always as identity primary key,
  schema_name text not null,
  table_name text not null,
  leaf_schema text not null,
  leaf_name text not null,
  leaf_oid oid not null,
  bound text not null,
  begun_at timestamptz not null,
  -- Null while it is being sealed: writes are refused already, the manifest is not whole yet.
  sealed_at timestamptz,
  sealed_by text not null default current_user,
  manifest jsonb,
  -- A leaf that was brought back from its archive is left alone by retention until then.
  held_until timestamptz,
  verified_at timestamptz,
  problem text,
  ended_at timestamptz,
  outcome text
);

create unique index sealed_partitions_open on holdfast.sealed_partitions (leaf_oid) where ended_at is null;
create index sealed_partitions_table on holdfast.sealed_partitions (schema_name, table_name) where ended_at is null;

-- Files that hold a whole sealed partition; a row is written only once the file was read back and found equal.
create table holdfast.partition_archives (
  id bigint generated always as identity primary key,
  schema_name text not null,
  table_name text not null,
  leaf_schema text not null,
  leaf_name text not null,
  leaf_oid oid not null,
  bound text not null,
  file text not null,
  file_bytes bigint not null,
  file_sha256 text not null,
  rows bigint not null,
  content_hash text not null,
  archived_at timestamptz not null,
  restored_at timestamptz
);

create unique index partition_archives_leaf on holdfast.partition_archives (leaf_oid, content_hash);
create index partition_archives_table on holdfast.partition_archives (schema_name, table_name, leaf_name);

-- Row triggers of a leaf fire for rows routed through the parent too, statement triggers do not: but TRUNCATE of the
-- parent fires those of its leaves.
create function holdfast.refuse_sealed() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
  raise exception using
    errcode = 'HF001',
    message = format('%I.%I is sealed: it takes no changes', tg_table_schema, tg_table_name),
    hint = 'POST /api/partitions/unseal opens it again';
end
$$;

comment on function holdfast.refuse_sealed() is 'refuses every write to a sealed partition';
