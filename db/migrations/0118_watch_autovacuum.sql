-- One row each, or one for each Holdfast, updated every few seconds in place. Each update removes what earlier ones left on
-- the page; autovacuum would come each minute all the same, and write more than the updates do.
alter table holdfast.alert_lease set (
  autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_threshold = 100000
);

alter table holdfast.alert_watchers set (
  autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_threshold = 100000
);

alter table holdfast.canary set (
  autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_threshold = 100000
);

alter table holdfast.instances set (
  autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_threshold = 100000
);

alter table holdfast.sample_rollups set (
  autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_threshold = 100000
);
