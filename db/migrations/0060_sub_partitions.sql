-- Partitions that are partitioned themselves, as pieces of this interval; null: they hold their rows.
alter table holdfast.partition_policies add column sub_interval text;
