-- The work of the most expensive statements: sums per minute, quarter of an hour and day, in float4 as the other rollups.
-- seconds: the time that the sums cover.
create table holdfast.statements_1m (
  ts timestamptz not null,
  query_id int8 not null,
  seconds float4 not null,
  calls float4 not null,
  total_ms float4 not null,
  rows float4 not null,
  blocks_hit float4 not null,
  blocks_read float4 not null,
  temp_blocks float4 not null,
  wal_bytes float4 not null
) partition by range (ts);

create table holdfast.statements_15m (like holdfast.statements_1m) partition by range (ts);
create table holdfast.statements_1d (like holdfast.statements_1m) partition by range (ts);

create index on holdfast.statements_1m using brin (ts) with (pages_per_range = 16);
