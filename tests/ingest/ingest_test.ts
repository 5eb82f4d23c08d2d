import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import {
  type Answer,
  bodyOf,
  countTicks,
  formats,
  gzip,
  readTicks,
  send,
  tick,
  types,
} from "../helpers/ticks.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const minute = 60_000;
const day = 24 * 60 * minute;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const create = "?create=true";

Deno.test("JSON, NDJSON, CSV and gzip of each store the same ticks", async () => {
  const base = ago(minute).slice(0, 19);
  const answers: Answer[] = [];
  const stored: unknown[] = [];
  for (const format of formats) {
    for (const zipped of [false, true]) {
      const symbol = `SAME-${format}-${zipped}`;
      const ticks = [
        tick({ ts: `${base}.000001Z`, symbol, price: 601.25, size: 100, exchange: "P" }),
        tick({ ts: `${base}.000001Z`, symbol, price: 601.26, side: "buy", trade_id: "t,1" }),
        tick({ ts: `${base}.123Z`, symbol, price: 0, size: 0, exchange: "É漢" }),
        tick({ ts: `${base}.999999Z`, symbol, price: 0.1 + 0.2, size: 1e15, trade_id: '"7"' }),
      ];
      const text = bodyOf(format, ticks);
      const response = await app.post(
        `/api/ticks${create}`,
        zipped ? await gzip(text) : text,
        { "content-type": types[format], ...(zipped ? { "content-encoding": "gzip" } : {}) },
      );
      assert.equal(response.status, 200);
      answers.push(await response.json());
      assert.deepEqual(await readTicks(app, symbol), ticks);
      stored.push(...ticks);
    }
  }
  for (const answer of answers) {
    assert.deepEqual(answer, { accepted: 4, quarantined: 0, replayed: false });
  }
  assert.equal(stored.length, 24);
});

Deno.test("rows that are not ticks of the present are quarantined, each with its reason", async () => {
  await send(app, [tick({ ts: ago(minute), symbol: "GONE" })], create);
  const { instruments } = await app.json<{ instruments: { id: number }[] }>(
    "/api/instruments?symbol=GONE",
  );
  const gone = instruments[0]?.id;
  await app.json(`/api/instruments/${gone}`, { method: "DELETE" });
  await send(app, [tick({ ts: ago(minute), symbol: "MIX" })], create);
  const now = ago(minute);
  const rows = [
    ["good", `${now},MIX,1,1,P`],
    ["future", `${ago(-6 * minute)},MIX,1,1,P`],
    ["stale", `${ago(8 * day)},MIX,1,1,P`],
    ["unknown_instrument", `${now},NOBODY,1,1,P`],
    ["deleted_instrument", `${now},GONE,1,1,P`],
    ["negative", `${now},MIX,-1,1,P`],
    ["not_finite", `${now},MIX,NaN,1,P`],
    ["unparsable", `${now},MIX,one,1,P`],
    ["good", `${ago(-4 * minute)},MIX,2,1,P`],
    ["good", `${ago(6 * day)},MIX,3,1,P`],
  ] as const;
  const text = `ts,symbol,price,size,exchange\n${rows.map(([, line]) => line).join("\n")}\n`;
  const before = await app.json<{ quarantine: unknown[] }>("/api/quarantine?limit=1000");
  const response = await app.post("/api/ticks", text, { "content-type": types.csv });
  assert.equal(response.status, 200);
  const answer: Answer = await response.json();
  assert.deepEqual([answer.accepted, answer.quarantined], [3, 7]);
  assert.deepEqual(answer.errors?.map(({ line, path }) => [line, path]), [
    [3, "ts"],
    [4, "ts"],
    [5, "symbol"],
    [6, "symbol"],
    [7, "price"],
    [8, "price"],
    [9, "price"],
  ]);
  const { quarantine } = await app.json<
    { quarantine: { reason: string; line: number; raw: string }[] }
  >("/api/quarantine?limit=1000");
  const added = quarantine.slice(0, quarantine.length - before.quarantine.length).reverse();
  assert.deepEqual(
    added.map(({ reason, line }) => [reason, line]),
    rows.flatMap(([reason], at) => reason === "good" ? [] : [[reason, at + 2]]),
  );
  assert.equal(added[6]?.raw, rows[7][1]);
  assert.equal(await countTicks(app, "MIX"), 4);
});

Deno.test("an unknown symbol becomes an instrument only with ?create", async () => {
  const ticks = [tick({ ts: ago(minute), symbol: "BORN" })];
  const without = await send(app, ticks);
  assert.deepEqual([without.accepted, without.quarantined], [0, 1]);
  assert.equal((await app.request("/api/ticks?symbol=BORN")).status, 404);
  assert.equal((await send(app, ticks, "?create=1")).accepted, 1);
  assert.equal((await send(app, ticks)).accepted, 1);
  assert.equal((await app.request("/api/ticks?symbol=BORN")).status, 200);
});

Deno.test("old days are taken with ?backfill, and get their partitions first", async () => {
  const stamps = ["1970-01-01T00:00:00Z", "1999-12-31T23:59:59.999999Z", "2013-10-07T08:00:00Z"];
  const ticks = stamps.map((ts) => tick({ ts, symbol: "OLD" }));
  const stale = await send(app, ticks, create);
  assert.deepEqual([stale.accepted, stale.quarantined], [0, 3]);
  assert.equal((await send(app, ticks, "?create=true&backfill=true")).accepted, 3);
  const leaves = await app.sql<{ name: string }[]>`
    select distinct t.tableoid::regclass::text as name
    from market.ticks as t
    join market.instruments as i on i.id = t.instrument_id
    where i.symbol = 'OLD'
    order by name`;
  assert.deepEqual(leaves.map(({ name }) => name), [
    "market.ticks_p19700101",
    "market.ticks_p19991231",
    "market.ticks_p20131007",
  ]);
  assert.deepEqual((await readTicks(app, "OLD")).map(({ ts }) => ts), [
    "1970-01-01T00:00:00.000Z",
    "1999-12-31T23:59:59.999999Z",
    "2013-10-07T08:00:00.000Z",
  ]);
  // The future makes no partitions, whatever the flags say.
  const far = await send(
    app,
    [tick({ ts: "2150-01-01T00:00:00Z", symbol: "OLD" })],
    "?backfill=true",
  );
  assert.deepEqual([far.accepted, far.quarantined], [0, 1]);
  const [row] = await app.sql`select to_regclass('market.ticks_p21500101') as leaf`;
  assert.equal(row?.leaf, null);
});

Deno.test("a day of last week gets its partition and leaves no hole before the present", async () => {
  const ts = new Date(Date.now() - 4 * 86_400_000).toISOString();
  assert.equal((await send(app, [tick({ ts, symbol: "LATE" })], create)).accepted, 1);
  await app.holdfast.monitor.checkNow();
  const { tables } = await app.json<{ tables: { table: string; holes: unknown[] }[] }>(
    "/api/health/partitions",
  );
  assert.deepEqual(tables.find(({ table }) => table === "market.ticks")?.holes, []);
  const day = ts.slice(0, 10).replaceAll("-", "");
  const [row] = await app.sql`select to_regclass(${`market.ticks_p${day}`}) as leaf`;
  assert.ok(row?.leaf);
});

Deno.test("what was accepted, and no more, is in the table", async () => {
  const before = await countTicks(app);
  let accepted = 0;
  for (let turn = 0; turn < 5; turn++) {
    const ticks = Array.from(
      { length: 500 },
      (_, at) => tick({ ts: ago(at % 50 === 0 ? -day : at), symbol: `SUM${at % 7}`, price: at }),
    );
    const answers = await Promise.all(
      formats.map(async (format) =>
        await (await app.post(`/api/ticks${create}`, bodyOf(format, ticks), {
          "content-type": types[format],
        })).json() as Answer
      ),
    );
    for (const answer of answers) {
      assert.equal(answer.accepted + answer.quarantined, 500);
      accepted += answer.accepted;
    }
  }
  assert.equal(await countTicks(app) - before, accepted);
  assert.equal(accepted, 5 * 3 * 490);
});

Deno.test("a symbol renamed behind Holdfast's back does not take its old name's ticks", async () => {
  await send(app, [tick({ ts: ago(minute), symbol: "OLDNAME" })], create);
  await app.sql`update market.instruments set symbol = 'NEWNAME' where symbol = 'OLDNAME'`;
  const answer = await send(app, [tick({ ts: ago(minute), symbol: "OLDNAME" })]);
  assert.deepEqual([answer.accepted, answer.quarantined], [0, 1]);
  assert.equal((await send(app, [tick({ ts: ago(minute), symbol: "NEWNAME" })])).accepted, 1);
  await app.sql`update market.instruments set deleted_at = now() where symbol = 'NEWNAME'`;
  assert.equal((await send(app, [tick({ ts: ago(minute), symbol: "NEWNAME" })])).accepted, 0);
});

Deno.test("instruments made by an upload that failed are unmade, and the next upload works", async () => {
  const line = (symbol: string) => bodyOf("ndjson", [tick({ ts: ago(minute), symbol })]);
  const good = Array.from({ length: 20_000 }, () => line("UNMADE")).join("");
  const response = await app.post(`/api/ticks${create}`, good + "x".repeat(70_000), {
    "content-type": types.ndjson,
  });
  assert.equal(response.status, 400);
  await response.body?.cancel();
  assert.equal((await app.request("/api/ticks?symbol=UNMADE")).status, 404);
  const ticks = [tick({ ts: ago(minute), symbol: "UNMADE" })];
  assert.equal((await send(app, ticks)).quarantined, 1);
  assert.equal((await send(app, ticks, create)).accepted, 1);
  assert.equal(await countTicks(app, "UNMADE"), 1);
});

Deno.test("a day whose partition vanished gets a new one at the second try", async () => {
  const ts = ago(3 * day);
  const ticks = [tick({ ts, symbol: "LEAF" })];
  await send(app, ticks, create);
  await app.sql.unsafe(
    `drop table market.ticks_p${ts.slice(0, 10).replaceAll("-", "")}`,
  );
  const refused = await app.post("/api/ticks", ticks);
  assert.equal(refused.status, 503);
  assert.ok(refused.headers.get("retry-after"));
  await refused.body?.cancel();
  assert.equal((await send(app, ticks)).accepted, 1);
  assert.equal(await countTicks(app, "LEAF"), 1);
});
