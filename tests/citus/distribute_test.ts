// Runs alone: its server starts with the import.
import assert from "node:assert/strict";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { startProcess } from "../helpers/process.ts";
import { imitateCitus } from "./imitation.ts";
import { startTcpServer } from "./tcp_server.ts";

const { url, sql, stop } = await startTcpServer();
Deno.test.afterAll(stop);

async function distribute(...args: string[]) {
  const child = startProcess({ env: { DATABASE_URL: url }, args: ["distribute", ...args] });
  const code = await child.exited;
  return { code, said: child.output(), errors: child.errors() };
}

Deno.test("without the extension there is one plain refusal, and nothing is changed", async () => {
  const { code, said, errors } = await distribute("--apply");
  assert.deepEqual([code, said], [1, ""]);
  assert.match(errors, /Cannot start: The database has no Citus: create extension citus/);
});

Deno.test("the plan, its application, and the way back, in statements that Citus has", async () => {
  await migrate(sql, migrations);
  await sql.unsafe(`
    create table market.ticks_old partition of market.ticks for values from ('2026-01-01') to ('2026-01-02');
    create table market.ticks_new partition of market.ticks for values from ('2026-01-02') to ('2026-01-03');
    insert into market.instruments (symbol) values ('A');
    insert into market.ticks (ts, price, size, instrument_id) values ('2026-01-01 12:00+00', 1, 1, 1)`)
    .simple();
  await imitateCitus(sql, { group: 0, nodes: [] });
  // What the functions of Citus do to its catalogue; how they were limited is noted.
  await sql.unsafe(`
    create table public.called (what text, lock text, sent text);
    create function public.note(what text) returns void language sql as $$
      insert into public.called values (
        what, current_setting('lock_timeout'), current_setting('citus.propagate_set_commands')
      )
    $$;
    create function public.family(top regclass) returns setof regclass language sql as $$
      select top union select inhrelid::regclass from pg_inherits where inhparent = top
    $$;
    create function pg_catalog.create_distributed_table(
      table_name regclass, distribution_column text, distribution_type text default 'hash',
      colocate_with text default 'default', shard_count int default null
    ) returns void language sql as $$
      insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod, partkey, colocationid, repmodel)
      select it, 'h', distribution_column, 1, 's' from public.family(table_name) as it;
      select public.note('distribute ' || table_name)
    $$;
    create function pg_catalog.truncate_local_data_after_distributing_table(function_name regclass)
    returns void language sql as $$ select public.note('truncate ' || function_name) $$;
    create function pg_catalog.undistribute_table(
      table_name regclass, cascade_via_foreign_keys boolean default false
    ) returns void language sql as $$
      delete from pg_catalog.pg_dist_partition where logicalrelid in (select public.family(table_name));
      select public.note('undistribute ' || table_name)
    $$`).simple();
  const guards = async () =>
    Number(
      (await sql`
      select count(*) as n from pg_trigger
      where tgrelid = 'market.candles_1m'::regclass and not tgisinternal`)[0]?.n,
    );

  const planned = await distribute();
  assert.equal(planned.code, 0, planned.errors);
  assert.match(planned.said, /-- lock: EXCLUSIVE on market\.ticks/);
  assert.deepEqual([await guards(), (await sql`select from public.called`).length], [2, 0]);

  const applied = await distribute("--apply");
  assert.equal(applied.code, 0, applied.errors);
  const called = await sql`select what, lock, sent from public.called`;
  assert.deepEqual(called.map(({ what }) => what), [
    "distribute market.ticks",
    "truncate market.ticks_old",
    "distribute market.candles_1m",
  ]);
  for (const { lock, sent } of called) assert.deepEqual([lock, sent], ["2s", "local"]);
  assert.equal(await guards(), 0);

  await sql`analyze market.ticks_old`;
  const back = await distribute("--undo", "--apply");
  assert.equal(back.code, 0, back.errors);
  assert.equal((await sql`select from pg_catalog.pg_dist_partition`).length, 0);
  assert.equal(await guards(), 2);
  const [candles] = await sql`
    select string_agg(pg_get_triggerdef(oid), ' ' order by tgname) as now
    from pg_trigger where tgrelid = 'market.candles_1m'::regclass and not tgisinternal`;
  assert.match(candles?.now, /REFERENCING NEW TABLE AS new_candles FOR EACH STATEMENT/);
});

Deno.test("a table that must stay on the coordinator, and a sealed leaf, are refused by name", async () => {
  await sql`
    insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod, repmodel)
    values ('market.instruments', 'n', 't')`;
  const { code, said, errors } = await distribute("--apply");
  assert.deepEqual([code, said], [1, ""]);
  assert.match(errors, /Nothing is done: market\.instruments must stay a table of the coordinator/);
});
