-- Of how many samples a rollup is the mean: a coarser one weighs by it. Null where an older Holdfast rolled up, which does not
-- know the column. It takes no room: the row is padded to eight bytes.
alter table holdfast.samples_1m add column samples int4;
alter table holdfast.samples_15m add column samples int4;
alter table holdfast.samples_1d add column samples int4;
