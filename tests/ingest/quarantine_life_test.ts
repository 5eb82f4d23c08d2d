import assert from "node:assert/strict";
import fc from "fast-check";
import { bruteForce, readCandles, widths } from "../helpers/candles.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { countTicks, problemOf, readTicks, send, tick } from "../helpers/ticks.ts";

interface Row {
  id: string;
  reason: string;
  raw: string;
  symbol: string | null;
  received_at: string;
}

interface Retried {
  retried: number;
  stored: number;
  still_quarantined: number;
  errors: { id: string; path: string; message: string }[];
  next_cursor: string | null;
}

const hour = 3_600_000;
/** A clock that the tests move. */
const clock = { skew: 0, now: () => new Date(Date.now() + clock.skew) };

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_QUARANTINE_DAYS: "3" }, { clock });
});
Deno.test.afterAll(() => app.stop());

const iso = (ms: number) => new Date(ms).toISOString();
const now = iso(Date.now());
const old = "2001-01-01T00:00:00Z";

async function list(query = ""): Promise<Row[]> {
  return (await app.json<{ quarantine: Row[] }>(`/api/quarantine?limit=1000&${query}`))
    .quarantine;
}

async function retryMany(body: Record<string, unknown>): Promise<Retried> {
  const response = await app.post("/api/quarantine/retry", body);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return await response.json();
}

async function retry(id: string, body?: unknown, query = ""): Promise<Response> {
  return await app.request(`/api/quarantine/${id}/retry${query}`, {
    method: "POST",
    ...(body === undefined ? {} : {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
}

async function remove(path: string): Promise<Response> {
  return await app.request(`/api/quarantine${path}`, { method: "DELETE" });
}

async function purge(query: string): Promise<number> {
  const response = await remove(`?${query}`);
  assert.equal(response.status, 200);
  const { purged, complete } = await response.json();
  assert.equal(complete, true);
  return purged;
}

async function empty(): Promise<void> {
  await purge("all=true");
}

Deno.test("the list is chosen by reason, symbol and arrival", async () => {
  await send(app, [tick({ ts: now, symbol: "L1" }), tick({ ts: old, symbol: "L1" })]);
  await send(app, [tick({ ts: now, symbol: "L2" }), tick({ ts: now, symbol: "L2", price: -1 })]);
  await app.sql`
    update holdfast.quarantine set received_at = now() - interval '2 hours' where symbol = 'L1'`;
  const reasons = async (query: string) => (await list(query)).map(({ reason }) => reason);
  assert.deepEqual(await reasons("symbol=L1"), ["stale", "unknown_instrument"]);
  assert.deepEqual(await reasons("symbol=L2&reason=negative"), ["negative"]);
  const hourAgo = encodeURIComponent(iso(Date.now() - hour));
  assert.deepEqual((await list(`to=${hourAgo}`)).map(({ symbol }) => symbol), ["L1", "L1"]);
  assert.deepEqual((await list(`from=${hourAgo}`)).map(({ symbol }) => symbol), ["L2", "L2"]);
  assert.deepEqual(await list("symbol=NONE"), []);
  await empty();
});

Deno.test("one row is given up, once", async () => {
  await send(app, [tick({ ts: now, symbol: "GIVEN" }), tick({ ts: now, symbol: "KEPT" })]);
  const [row] = await list("symbol=GIVEN");
  const gone = await remove(`/${row?.id}`);
  assert.equal(gone.status, 204);
  assert.equal((await problemOf(await remove(`/${row?.id}`))).status, 404);
  assert.equal((await problemOf(await remove("/x"))).status, 400);
  assert.deepEqual((await list()).map(({ symbol }) => symbol), ["KEPT"]);
  await empty();
});

Deno.test("a purge takes what its filters mean, and asks for one", async () => {
  const rows = [tick({ ts: now, symbol: "P1" }), tick({ ts: old, symbol: "P1" })];
  await send(app, [...rows, tick({ ts: old, symbol: "P2" })]);
  for (const query of ["", "?all=false", "?before=soon", "?reason=A", "?all=perhaps"]) {
    assert.equal((await problemOf(await remove(query))).status, 400, query);
  }
  assert.equal(await purge("reason=stale&symbol=P2"), 1);
  assert.equal(await purge(`before=${encodeURIComponent(iso(Date.now() - hour))}`), 0);
  assert.equal(await purge("reason=stale"), 1);
  assert.equal(await purge("reason=stale"), 0);
  assert.equal(await purge(`before=${encodeURIComponent(iso(Date.now() + hour))}`), 1);
  assert.deepEqual(await list(), []);
});

Deno.test("a purge of many goes in batches until all are gone", async () => {
  await app.sql`
    insert into holdfast.quarantine (reason, path, detail, line, raw)
    select 'unparsable', 'line', 'test', n, 'x' from generate_series(1, 12345) as n`;
  await send(app, [tick({ ts: old, symbol: "STAYS" })]);
  assert.equal(await purge("reason=unparsable"), 12_345);
  assert.equal((await list()).length, 1);
  await empty();
});

Deno.test("rows are kept for their days and no longer", async () => {
  await send(app, [tick({ ts: now, symbol: "YOUNG" }), tick({ ts: now, symbol: "AGED" })]);
  await app.sql`
    update holdfast.quarantine set received_at = now() - interval '71 hours' where symbol = 'AGED'`;
  await app.holdfast.everyMinute();
  assert.equal((await list()).length, 2);
  // Their age is the database's: a clock of ours that jumps years ahead gives up nothing.
  for (const years of [2, -2]) {
    clock.skew = years * 365 * 24 * hour;
    await app.holdfast.everyMinute();
    assert.equal((await list()).length, 2);
  }
  clock.skew = 0;
  await app.sql`
    update holdfast.quarantine set received_at = now() - interval '73 hours' where symbol = 'AGED'`;
  await app.holdfast.everyMinute();
  assert.deepEqual((await list()).map(({ symbol }) => symbol), ["YOUNG"]);
  await empty();
});

Deno.test("many are tried again at once: those that fit now are stored, the others stay as they are", async () => {
  const rows = Array.from({ length: 30 }, (_, at) =>
    tick({
      ts: at % 3 === 0 ? old : iso(Date.now() - at * 1_000),
      symbol: at % 2 === 0 ? "MANY" : "OTHER",
      price: at,
    }));
  const csv = "ts,symbol,price,size,exchange\nsoon,MANY,1,1,P\n" + `${now},OTHER,1,1,P\n`;
  await send(app, rows);
  await app.post("/api/ticks", csv, { "content-type": "text/csv" })
    .then((response) => response.body?.cancel());
  const before = await list();
  assert.equal(before.length, 32);
  await app.post("/api/instruments", { symbol: "MANY" }).then((made) => made.body?.cancel());
  const answer = await retryMany({ symbol: "MANY" });
  assert.deepEqual(
    { ...answer, errors: [] },
    { retried: 16, stored: 10, still_quarantined: 6, errors: [], next_cursor: null },
  );
  assert.deepEqual(answer.errors.map(({ path }) => path).toSorted(), [
    "line",
    ..."ts ts ts ts ts"
      .split(" "),
  ]);
  // What was refused again is what it was, id and arrival included.
  const stored = new Set(
    rows.filter(({ ts, symbol }) => ts !== old && symbol === "MANY")
      .map((one) => JSON.stringify(one)),
  );
  assert.deepEqual(await list(), before.filter(({ raw }) => !stored.has(raw)));
  assert.deepEqual((await readTicks(app, "MANY")).length, 10);
  const rest = await retryMany({ all: true, create: true, backfill: true });
  assert.deepEqual([rest.retried, rest.stored, rest.still_quarantined], [22, 21, 1]);
  for (const symbol of ["MANY", "OTHER"]) {
    assert.deepEqual(
      await readCandles(app, symbol, "1m"),
      bruteForce(await readTicks(app, symbol), widths["1m"]),
    );
  }
  await empty();
});

Deno.test("ids choose rows; those that are gone are not counted", async () => {
  await send(
    app,
    Array.from({ length: 5 }, (_, price) => tick({ ts: now, symbol: "IDS", price })),
  );
  const ids = (await list()).map(({ id }) => id);
  const chosen = [ids[1], ids[3], "999999999"];
  const { retried, stored } = await retryMany({ ids: chosen, create: true });
  assert.deepEqual([retried, stored], [2, 2]);
  assert.deepEqual((await list()).map(({ id }) => id), [ids[0], ids[2], ids[4]]);
  for (const body of [{ ids: [] }, { ids: ["x"] }, { ids: Array(1_001).fill("1") }, [], "x"]) {
    assert.equal(
      (await problemOf(await app.post("/api/quarantine/retry", body))).status,
      400,
      JSON.stringify(body).slice(0, 40),
    );
  }
  await empty();
});

Deno.test("a thousand at a time, going on behind those that stay", async () => {
  const rows = Array.from(
    { length: 2_300 },
    (_, at) => tick({ ts: at < 1_100 ? old : now, symbol: "ALL", price: at }),
  );
  await send(app, rows);
  let cursor: string | null = "";
  const steps: number[][] = [];
  while (cursor !== null) {
    const step: Retried = await retryMany({
      all: true,
      create: true,
      ...(cursor === "" ? {} : { cursor }),
    });
    steps.push([step.retried, step.stored, step.still_quarantined]);
    cursor = step.next_cursor;
  }
  assert.deepEqual(steps, [[1_000, 0, 1_000], [1_000, 900, 100], [300, 300, 0]]);
  assert.equal(await countTicks(app, "ALL"), 1_200);
  assert.equal((await list("reason=stale")).length, 1_000);
  await empty();
});

let turn = 0;

Deno.test("each row is stored once, however many retries meet, and candles are those of the ticks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 }),
      fc.array(fc.constantFrom("many", "one", "ids"), { minLength: 2, maxLength: 6 }),
      async (seconds, retries) => {
        const symbol = `RACE${turn++}`;
        await send(
          app,
          seconds.map((second, price) =>
            tick({ ts: iso(Date.now() - 400_000 + second * 1_000), symbol, price })
          ),
        );
        await app.post("/api/instruments", { symbol }).then((made) => made.body?.cancel());
        const ids = (await list(`symbol=${symbol}`)).map(({ id }) => id);
        const stored = await Promise.all(retries.map(async (kind) => {
          if (kind === "many") return (await retryMany({ symbol })).stored;
          if (kind === "ids") return (await retryMany({ ids })).stored;
          const response = await retry(ids[0] ?? "");
          await response.body?.cancel();
          assert.ok([200, 404].includes(response.status));
          return response.status === 200 ? 1 : 0;
        }));
        const left = (await retryMany({ symbol })).stored;
        assert.equal(stored.reduce((sum, rows) => sum + rows, left), seconds.length);
        assert.deepEqual(await list(`symbol=${symbol}`), []);
        const ticks = await readTicks(app, symbol);
        assert.deepEqual(
          ticks.map(({ price }) => price).toSorted((a, b) => a - b),
          seconds.map((_, price) => price),
        );
        assert.deepEqual(
          await readCandles(app, symbol, "1m"),
          bruteForce(ticks, widths["1m"]),
        );
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("a row that never will be a tick says how to send it corrected, and that works", async () => {
  await app.post("/api/instruments", { symbol: "MEND", tick_size: 0.01 })
    .then((made) => made.body?.cancel());
  const csv = `ts,symbol,price,size,exchange\n${now},MEND,1,1,P\n${now},MEND,l.25,10,P\n`;
  await app.post("/api/ticks", csv, { "content-type": "text/csv" })
    .then((response) => response.body?.cancel());
  const [row] = await list();
  assert.ok(row);
  assert.equal(row.symbol, "MEND");
  const asItStands = await problemOf(await retry(row.id));
  assert.equal(asItStands.status, 409);
  assert.match(asItStands.detail, /send a corrected one as \{"tick":/);
  const good = { ts: now, symbol: "MEND", price: 1.25, size: 10, exchange: "P" };
  const wrong: [unknown, number, string[]][] = [
    [{ tick: { ...good, price: "1.25" } }, 400, ["tick.price"]],
    [{ tick: { ...good, ts: undefined } }, 400, ["tick.ts"]],
    [{ tick: [] }, 400, ["tick"]],
    [{ tick: null }, 400, ["tick"]],
    [{ tick: { ...good, price: 1.255 } }, 409, ["price"]],
    [{ tick: { ...good, symbol: "NOBODY" } }, 409, ["symbol"]],
  ];
  for (const [body, status, paths] of wrong) {
    const problem = await problemOf(await retry(row.id, body));
    assert.equal(problem.status, status, JSON.stringify(body));
    assert.deepEqual(problem.errors?.map(({ path }) => path), paths);
    assert.deepEqual(await list(), [row]);
  }
  const mended = await retry(row.id, { tick: good });
  assert.equal(mended.status, 200);
  assert.equal((await mended.json()).accepted, 1);
  assert.deepEqual(await list(), []);
  assert.deepEqual((await readTicks(app, "MEND")).map(({ price }) => price), [1, 1.25]);
  assert.equal((await problemOf(await retry(row.id, { tick: good }))).status, 404);
});

Deno.test("a retry without a body may name any type, one with a body must be JSON", async () => {
  for (
    const [type, body, status] of [
      ["application/json", undefined, 404],
      ["application/json", "", 404],
      ["application/x-www-form-urlencoded", "", 404],
      ["application/json", "{}", 404],
      ["application/json", "[", 400],
      ["application/json", "[]", 400],
      ["text/plain", "{}", 415],
    ] as const
  ) {
    const response = await app.request("/api/quarantine/1/retry", {
      method: "POST",
      headers: { "content-type": type },
      ...(body === undefined ? {} : { body }),
    });
    assert.equal((await problemOf(response)).status, status, `${type} ${body}`);
  }
});

Deno.test("what a retry stores counts for its feed, and is not refused a second time", async () => {
  const of = async () => {
    const { feeds } = await app.json<
      { feeds: { symbol: string; accepted: number; quarantined: number }[] }
    >("/api/health/feeds");
    const { accepted, quarantined } = feeds.find(({ symbol }) => symbol === "FED") ?? {};
    return [accepted, quarantined];
  };
  await send(app, [tick({ ts: now, symbol: "FED" }), tick({ ts: old, symbol: "FED" })]);
  assert.deepEqual(await of(), [0, 2]);
  await retryMany({ symbol: "FED", create: true });
  assert.deepEqual(await of(), [1, 2]);
  await empty();
});
