-- How far retention has come with each table, as the last rotation under a trusted clock found it.
create table holdfast.retention_progress (
  schema_name text not null,
  table_name text not null,
  -- The last such rotation.
  seen_at timestamptz not null,
  -- The latest time by which nothing expired that a jump of the clock may have made expire.
  peak_at timestamptz not null,
  -- Oids of leaves that expired a usual number at a time: however long they cannot be removed, they are not counted again.
  admitted int8[] not null default '{}',
  primary key (schema_name, table_name)
);
