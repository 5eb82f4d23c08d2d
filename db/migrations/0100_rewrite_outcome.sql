-- What a conversion or a drain ends as when its clean-up is done. It was kept in waits_for, which is text for people.
alter table holdfast.partition_moves
  add column outcome text check (outcome in ('undone', 'finished', 'cancelled'));

update holdfast.partition_moves
set
  outcome = waits_for,
  waits_for = null
where phase = 'cleaning'
  and waits_for in ('undone', 'finished', 'cancelled');
