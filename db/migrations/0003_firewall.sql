-- The feed a row came from, where that could be read.
alter table holdfast.quarantine add column symbol text;

-- Not by a cast: a row that is no JSON must not stop a start.
update holdfast.quarantine
set symbol = substring(raw from '"symbol": *"([^"\\]{1,64})"')
where reason in ('unknown_instrument', 'deleted_instrument', 'future', 'stale');

create index quarantine_symbol on holdfast.quarantine (symbol, id) where symbol is not null;
create index quarantine_received_at on holdfast.quarantine (received_at);

-- As before, and: under a snapshot older than the statement the guard would miss ticks committed since (a foreign
-- key looks past the snapshot, a trigger in SQL cannot), so it does not answer there at all.
create or replace function market.guard_instruments() returns trigger
language plpgsql
set search_path = pg_catalog
as $guard$
begin
  if tg_op = 'UPDATE' then
    if new.id <> old.id then
      raise restrict_violation using message = 'the id of an instrument never changes';
    end if;
    return new;
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise object_not_in_prerequisite_state using
      message = 'instruments can only be removed at the isolation level read committed',
      hint = 'set transaction isolation level read committed';
  end if;
  if tg_op = 'DELETE' then
    if exists (select 1 from market.ticks as t where t.instrument_id = old.id) then
      raise restrict_violation using
        message = format('instrument %s (%s) is referenced by market.ticks', old.id, old.symbol),
        hint = 'Soft-delete it instead: update market.instruments set deleted_at = now() where id = ' || old.id;
    end if;
    return old;
  end if;
  if exists (select 1 from market.ticks) or exists (select 1 from market.candles_1m) then
    raise restrict_violation using
      message = 'market.instruments is referenced by market.ticks or market.candles_1m and cannot be truncated';
  end if;
  return null;
end;
$guard$;
