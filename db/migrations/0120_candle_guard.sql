-- Its body is parsed, so that the table cannot be dropped without CASCADE, as with a foreign key.
create function market.hold_instrument(id int4) returns boolean
language sql
begin atomic
  select true from market.instruments as i where i.id = $1 for key share;
end;

-- A guard instead of the foreign key, whose trigger per new candle took more time than writing it. As a foreign key does, it
-- locks the instruments against removal until the transaction ends, and looks with the rights of the owner; but once for
-- each instrument of a statement.
create function market.guard_candles() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $guard$
declare
  unknown_id int4;
begin
  if tg_op = 'UPDATE' then
    if market.hold_instrument(new.instrument_id) is null then
      raise foreign_key_violation using
        message = format('no instrument has the id %s of a candle', new.instrument_id);
    end if;
    return new;
  end if;
  if not exists (select from new_candles) then
    return null;
  end if;
  perform
  from market.instruments as i
  where i.id in (select n.instrument_id from new_candles as n)
  order by i.id
  for key share;
  select n.instrument_id into unknown_id
  from new_candles as n
  where not exists (select from market.instruments as i where i.id = n.instrument_id)
  limit 1;
  if found then
    raise foreign_key_violation using
      message = format('no instrument has the id %s of a candle', unknown_id);
  end if;
  return null;
end;
$guard$;

-- As before, and: candles keep an instrument, too.
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
    if exists (select 1 from market.candles_1m as c where c.instrument_id = old.id) then
      raise restrict_violation using
        message = format('instrument %s (%s) is referenced by market.candles_1m', old.id, old.symbol),
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

create trigger candles_1m_reference_insert
after insert on market.candles_1m
referencing new table as new_candles
for each statement execute function market.guard_candles();

create trigger candles_1m_reference_update
before update of instrument_id on market.candles_1m
for each row when (old.instrument_id is distinct from new.instrument_id)
execute function market.guard_candles();

alter table market.candles_1m drop constraint if exists candles_1m_instrument_id_fkey;
