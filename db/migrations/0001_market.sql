create schema if not exists market;

create table market.instruments (
  id int4 generated always as identity primary key,
  symbol text not null check (symbol <> '' and length(symbol) <= 64),
  kind text not null default 'unknown',
  currency text,
  tick_size double precision check (tick_size > 0),
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);

-- A symbol may be used again once its former holder is deleted.
create unique index instruments_symbol_living on market.instruments (symbol) where deleted_at is null;

-- Arrival order of ticks. A COPY takes one value and counts up inside it (2^20 rows); a plain insert takes one each.
create sequence market.tick_seq as bigint increment by 1048576 cache 1;

create table market.ticks (
  ts timestamptz not null,
  price double precision not null,
  size double precision not null,
  seq bigint not null default nextval('market.tick_seq'),
  instrument_id int4 not null,
  exchange text,
  side text,
  trade_id text
) partition by range (ts);

alter sequence market.tick_seq owned by market.ticks.seq;

create index ticks_instrument_ts on market.ticks (instrument_id, ts);
create index ticks_ts_brin on market.ticks using brin (ts);

-- open_* and close_* say which tick made the open and the close, so that candles merge in any order.
create table market.candles_1m (
  instrument_id int4 not null references market.instruments (id) on delete restrict,
  ts timestamptz not null,
  open double precision not null,
  high double precision not null,
  low double precision not null,
  close double precision not null,
  volume double precision not null,
  trades int8 not null,
  open_ts timestamptz not null,
  open_seq bigint not null,
  close_ts timestamptz not null,
  close_seq bigint not null,
  primary key (instrument_id, ts)
);

-- A guard instead of a foreign key on ticks: no trigger per tick, and TRUNCATE … CASCADE cannot reach past it.
create function market.guard_instruments() returns trigger
language plpgsql
set search_path = pg_catalog
as $guard$
begin
  if tg_op = 'DELETE' then
    if exists (select 1 from market.ticks as t where t.instrument_id = old.id) then
      raise restrict_violation using
        message = format('instrument %s (%s) is referenced by market.ticks', old.id, old.symbol),
        hint = 'Soft-delete it instead: update market.instruments set deleted_at = now() where id = ' || old.id;
    end if;
    return old;
  elsif tg_op = 'UPDATE' then
    if new.id <> old.id then
      raise restrict_violation using message = 'the id of an instrument never changes';
    end if;
    return new;
  end if;
  if exists (select 1 from market.ticks) or exists (select 1 from market.candles_1m) then
    raise restrict_violation using
      message = 'market.instruments is referenced by market.ticks or market.candles_1m and cannot be truncated';
  end if;
  return null;
end;
$guard$;

create trigger instruments_restrict_delete
before delete on market.instruments
for each row execute function market.guard_instruments();

create trigger instruments_restrict_id
before update of id on market.instruments
for each row execute function market.guard_instruments();

create trigger instruments_restrict_truncate
before truncate on market.instruments
for each statement execute function market.guard_instruments();
