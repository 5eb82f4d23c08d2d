-- Events of the live channel, as every Holdfast on this database sends them to its clients, in this order.
create table holdfast.live_events (
  position int8 primary key,
  id uuid not null unique,
  type text not null,
  -- The Holdfast that made it.
  instance text not null,
  -- What it tells the state of, and a digest of that state: an event that tells nothing new is not stored.
  topic text,
  digest text,
  -- JSON in ASCII, as it is sent.
  data text not null,
  made_at timestamptz not null,
  stored_at timestamptz not null default clock_timestamp()
);

create index live_events_topic on holdfast.live_events (topic, position desc) where topic is not null;
create index live_events_stored_at on holdfast.live_events (stored_at);

-- The last position given out; its row lock is held until commit, so that events become visible in their order.
create table holdfast.live_position (
  only_one boolean primary key default true check (only_one),
  last int8 not null
);

insert into holdfast.live_position (last) values (0);

-- Stores events in the order given and wakes every Holdfast. Answers the position of each, or null for one that tells
-- nothing new. An event stored before keeps its position. Each statement of it sees what was committed before the lock.
create function holdfast.append_live_events(
  ids uuid[],
  types text[],
  makers text[],
  topics text[],
  digests text[],
  payloads text[],
  times timestamptz[]
) returns table (event_id uuid, event_position int8)
language plpgsql
volatile
set search_path = pg_catalog
as $$
declare
  first_free int8;
  next_free int8;
  known text;
begin
  select last into first_free from holdfast.live_position for update;
  if first_free is null then
    raise exception 'holdfast.live_position has lost its row: insert into holdfast.live_position (last) values (0)';
  end if;
  first_free := 1 + greatest(first_free, (select max(e.position) from holdfast.live_events as e));
  next_free := first_free;
  for n in 1 .. coalesce(array_length(ids, 1), 0) loop
    event_id := ids[n];
    select e.position into event_position from holdfast.live_events as e where e.id = event_id;
    if event_position is null then
      known := null;
      if topics[n] is not null then
        select e.digest into known
        from holdfast.live_events as e
        where e.topic = topics[n]
        order by e.position desc
        limit 1;
      end if;
      if topics[n] is null or known is distinct from digests[n] then
        insert into holdfast.live_events (position, id, type, instance, topic, digest, data, made_at)
        values (
          next_free, event_id, types[n], makers[n], topics[n], digests[n], payloads[n], times[n]
        );
        event_position := next_free;
        next_free := next_free + 1;
      end if;
    end if;
    return next;
  end loop;
  if next_free > first_free then
    update holdfast.live_position set last = next_free - 1;
    perform pg_notify('holdfast_live', (next_free - 1)::text);
  end if;
end
$$;
