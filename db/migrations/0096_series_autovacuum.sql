-- The list of series grows by hundreds at once when Holdfast starts and hardly changes afterwards: its statistics may be
-- late without harm.
alter table holdfast.sample_series set (autovacuum_analyze_threshold = 10000);
