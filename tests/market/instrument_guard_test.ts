import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { psql } from "../helpers/psql.ts";
import { psql as psqlTool, testWith } from "../helpers/skip.ts";
import { countTicks, problemOf, send, tick } from "../helpers/ticks.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const ts = new Date().toISOString();
const day = ts.slice(0, 10).replaceAll("-", "");

async function make(symbol: string): Promise<number> {
  const response = await app.post("/api/instruments", { symbol });
  assert.equal(response.status, 201);
  return (await response.json()).id;
}

const run = (...commands: string[]) => psql(app.holdfast.target, ...commands);

/** Waits until a removal in psql waits for the transaction of `what`. */
const psqlWaits = (what: string) =>
  eventually(async () => {
    const waits = await app.sql`
      select 1 from pg_stat_activity where query like 'delete from market.instruments%' and wait_event_type = 'Lock'`;
    return waits.length > 0;
  }, `psql waits for the ${what}`);

async function orphans(): Promise<number> {
  const [row] = await app.sql<{ count: number }[]>`
    select count(*)::int4 as count
    from market.ticks as t
    where not exists (select 1 from market.instruments as i where i.id = t.instrument_id)`;
  return row?.count ?? -1;
}

testWith(
  psqlTool,
  "in psql a referenced instrument can neither be deleted nor truncated nor renumbered",
  async () => {
    const id = await make("RAW");
    await send(app, [tick({ ts, symbol: "RAW" })]);
    const before = await countTicks(app);
    const statements = [
      `delete from market.instruments where id = ${id}`,
      `delete from market.instruments`,
      `with gone as (delete from market.instruments where id = ${id} returning 1) select * from gone`,
      `merge into market.instruments as i using (values (${id})) as v (id) on i.id = v.id when matched then delete`,
      `truncate market.instruments`,
      `truncate market.instruments cascade`,
      `truncate market.instruments restart identity cascade`,
      `truncate market.candles_1m, market.instruments`,
      `truncate market.ticks, market.candles_1m, market.instruments cascade`,
      `update market.instruments set id = default where id = ${id}`,
      `update market.instruments set id = default`,
      `drop table market.instruments`,
    ];
    // By its ticks and candles, and by its ticks alone.
    for (const setUp of ["select 1", "delete from market.candles_1m"]) {
      for (const statement of statements) {
        if (setUp !== "select 1" && statement.startsWith("drop")) continue;
        const result = await run(`begin; ${setUp}; ${statement}; commit`);
        assert.equal(result.ok, false, statement);
        assert.match(
          result.errors,
          /referenced by|never changes|foreign key|can only be updated to DEFAULT|depend on it/,
          statement,
        );
      }
    }
    assert.equal(await countTicks(app), before);
    const [row] = await app.sql`select symbol from market.instruments where id = ${id}`;
    assert.equal(row?.symbol, "RAW");
  },
);

testWith(psqlTool, "in psql an instrument to which nothing refers can be deleted", async () => {
  const id = await make("FREE");
  const result = await run(`delete from market.instruments where id = ${id}`);
  assert.deepEqual([result.ok, result.output], [true, "DELETE 1"]);
  // With a candle it is not free, by the candles' guard; with neither tick nor candle it is again.
  const other = await make("CANDLE");
  await send(app, [tick({ ts, symbol: "CANDLE" })]);
  await run(`delete from market.ticks where instrument_id = ${other}`);
  assert.equal((await run(`delete from market.instruments where id = ${other}`)).ok, false);
  const both = await run(
    `delete from market.candles_1m where instrument_id = ${other}`,
    `delete from market.instruments where id = ${other}`,
  );
  assert.equal(both.ok, true);
});

const candleOf = (id: number, minute: number) => `
  insert into market.candles_1m
  select ${id}, to_timestamp(${minute} * 60), 1, 1, 1, 1, 1, 1, to_timestamp(0), 1, to_timestamp(0), 1`;

testWith(psqlTool, "in psql a candle belongs to an instrument that is there", async () => {
  const id = await make("OWNER");
  const other = await make("OTHER");
  const missing = 2_147_483_646;
  const refused = async (statement: string) => {
    const result = await run(statement);
    assert.equal(result.ok, false, statement);
    assert.match(result.errors, /no instrument has the id 2147483646 of a candle/);
  };
  await refused(candleOf(missing, 1));
  await refused(`begin; ${candleOf(id, 2)}; ${candleOf(missing, 2)}; commit`);
  assert.equal((await run(candleOf(id, 3))).ok, true);
  await refused(
    `update market.candles_1m set instrument_id = ${missing} where instrument_id = ${id}`,
  );
  const moved = await run(
    `update market.candles_1m set instrument_id = ${other} where instrument_id = ${id}`,
  );
  assert.equal(moved.ok, true, moved.errors);
  assert.equal((await run(`delete from market.instruments where id = ${id}`)).ok, true);
  assert.equal((await run(`delete from market.instruments where id = ${other}`)).ok, false);
  assert.equal(
    (await run(`delete from market.candles_1m where instrument_id = ${other}`)).ok,
    true,
  );
});

testWith(psqlTool, "a candle that is not committed yet keeps its instrument", async () => {
  const id = await make("SOON");
  const raw = await app.sql.reserve();
  await raw`begin`;
  await raw.unsafe(candleOf(id, 4));
  const waiting = run("set lock_timeout = '5s'", `delete from market.instruments where id = ${id}`);
  await psqlWaits("candle");
  await raw`commit`;
  raw.release();
  const result = await waiting;
  assert.equal(result.ok, false);
  assert.match(result.errors, /referenced by market\.candles_1m/);
  await app.sql`delete from market.candles_1m where instrument_id = ${id}`;
});

testWith(
  psqlTool,
  "under an old snapshot, where the guard could be deceived, it does not answer",
  async () => {
    for (const level of ["repeatable read", "serializable"]) {
      const id = await make(`OLD ${level}`);
      const raw = await app.sql.reserve();
      await raw.unsafe(`begin isolation level ${level}`);
      await raw`select 1`; // takes the snapshot
      await send(app, [tick({ ts, symbol: `OLD ${level}` })]);
      await assert.rejects(
        raw`delete from market.instruments where id = ${id}`.execute(),
        /only be removed at the isolation level read committed/,
      );
      await raw`rollback`;
      raw.release();
      const truncate = await run(
        `begin isolation level ${level}; truncate market.instruments cascade; commit`,
      );
      assert.match(truncate.errors, /isolation level read committed/);
    }
    assert.equal(await orphans(), 0);
  },
);

testWith(psqlTool, "an upload under way holds its instruments against psql", async () => {
  const id = await make("UNDERWAY");
  // As the ingest does: the instrument first, then its ticks, then commit.
  const upload = await app.sql.reserve();
  await upload`begin`;
  await upload`select 1 from market.instruments where id = ${id} for key share`;
  const waiting = run("set lock_timeout = '5s'", `delete from market.instruments where id = ${id}`);
  await psqlWaits("upload");
  await upload`
    insert into market.ticks (ts, price, size, instrument_id) values (${ts}::text::timestamptz, 1, 1, ${id})`;
  await upload`commit`;
  upload.release();
  const result = await waiting;
  assert.equal(result.ok, false);
  assert.match(result.errors, /referenced by market\.ticks/);
  assert.equal(await orphans(), 0);
});

Deno.test("a purge and uploads race fifty times: no orphan, no deadlock, no purge of what has ticks", async () => {
  const outcomes: Record<number, number> = {};
  for (let round = 0; round < 50; round++) {
    const symbol = `RACE${round}`;
    const id = await make(symbol);
    const upload = () =>
      Array.from({ length: 3 }, (_, at) =>
        app.post("/api/ticks", [
          tick({ ts, symbol, size: at }),
          tick({ ts, symbol: `RACE${Math.max(0, round - 1)}`, size: at }),
        ]));
    const purge = () => app.request(`/api/instruments/${id}?purge=true`, { method: "DELETE" });
    // The first two rounds are no race, so that both outcomes are seen.
    const early = round === 0 ? await purge() : undefined;
    const uploads = round === 1 ? await Promise.all(upload()) : upload();
    const responses = await Promise.all([early ?? purge(), ...uploads]);
    const [purged, ...uploaded] = responses.map(({ status }) => status);
    const [, ...answers] = await Promise.all(
      responses.map((response) => response.status === 204 ? undefined : response.json()),
    );
    outcomes[purged ?? 0] = (outcomes[purged ?? 0] ?? 0) + 1;
    assert.ok(purged === 204 || purged === 409, `purge: ${purged}`);
    assert.deepEqual(uploaded, [200, 200, 200]);
    const [row] = await app.sql<{ living: number; ticks: number }[]>`
      select
        (select count(*)::int4 from market.instruments where id = ${id}) as living,
        (select count(*)::int4 from market.ticks where instrument_id = ${id}) as ticks`;
    if (purged === 204) assert.deepEqual(row, { living: 0, ticks: 0 });
    else assert.ok(row?.living === 1 && row.ticks > 0);
    for (const answer of answers) assert.equal(answer.accepted + answer.quarantined, 2);
  }
  assert.ok(outcomes[204] && outcomes[409], JSON.stringify(outcomes));
  assert.equal(await orphans(), 0);
  const lost = app.logs.filter(({ event, reason }) =>
    event === "request_failed" || String(reason).includes("deadlock")
  );
  assert.deepEqual(lost, []);
});

Deno.test("a purge takes the candles along, and is refused before it touches them", async () => {
  const id = await make("BOTH");
  await send(app, [tick({ ts, symbol: "BOTH" })]);
  const candles = async () =>
    (await app.sql`select xmax::text from market.candles_1m where instrument_id = ${id}`)
      .map(({ xmax }) => xmax);
  const refused = await problemOf(
    await app.request(`/api/instruments/${id}?purge=true`, { method: "DELETE" }),
  );
  assert.deepEqual([refused.status, refused.code], [409, "instrument_referenced"]);
  assert.deepEqual(await candles(), ["0"]);
  // Its partition gone, as retention does it, nothing refers to it any more.
  await app.sql.unsafe(`alter table market.ticks detach partition market.ticks_p${day}`);
  const purged = await app.request(`/api/instruments/${id}?purge=true`, { method: "DELETE" });
  assert.equal(purged.status, 204);
  assert.deepEqual(await candles(), []);
});
