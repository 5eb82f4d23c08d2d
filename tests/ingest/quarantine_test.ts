import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { type Answer, countTicks, problemOf, readTicks, send, tick } from "../helpers/ticks.ts";

interface Row {
  id: string;
  received_at: string;
  reason: string;
  path: string;
  detail: string;
  line: number | null;
  raw: string;
  symbol: string | null;
}

/** A clock that the tests move, so that the future can come. */
const clock = {
  skew: 0,
  now: () => new Date(Date.now() + clock.skew),
};

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({}, { clock });
});
Deno.test.afterAll(() => app.stop());

const minute = 60_000;
const now = () => new Date().toISOString();

async function list(query = ""): Promise<{ quarantine: Row[]; next_cursor: string | null }> {
  return await app.json(`/api/quarantine?${query}`);
}

/** Sends one tick that will be quarantined, and answers its row. */
async function quarantined(fields: Parameters<typeof tick>[0]): Promise<Row> {
  assert.equal((await send(app, [tick(fields)])).quarantined, 1);
  const [row] = (await list("limit=1")).quarantine;
  assert.ok(row);
  return row;
}

async function retry(id: string, query = ""): Promise<Response> {
  return await app.request(`/api/quarantine/${id}/retry${query}`, { method: "POST" });
}

async function stays(id: string, query = ""): Promise<void> {
  const problem = await problemOf(await retry(id, query));
  assert.deepEqual([problem.status, problem.code], [409, "conflict"]);
  assert.match(problem.detail, /^Still refused: /);
  assert.ok((await list("limit=1000")).quarantine.some((row) => row.id === id));
}

Deno.test("a quarantined row says why, where it stood and what it was", async () => {
  const ts = now();
  const row = await quarantined({ ts, symbol: "WHY", price: 1.5, size: 2, trade_id: "t" });
  assert.deepEqual({ ...row, id: "", received_at: "", detail: "" }, {
    id: "",
    received_at: "",
    reason: "unknown_instrument",
    path: "symbol",
    detail: "",
    line: 1,
    raw: JSON.stringify(tick({ ts, symbol: "WHY", price: 1.5, size: 2, trade_id: "t" })),
    symbol: "WHY",
  });
  assert.match(row.detail, /WHY/);
  assert.ok(Math.abs(Date.parse(row.received_at) - Date.now()) < minute);
});

Deno.test("the list is newest first, by reason, in pages that miss and repeat nothing", async () => {
  const rows = Array.from(
    { length: 11 },
    (_, at) =>
      at % 2 === 0
        ? tick({ ts: now(), symbol: "PAGES", price: at })
        : tick({ ts: "2001-01-01T00:00:00Z", symbol: "PAGES", price: at }),
  );
  await send(app, rows);
  const all = (await list("limit=1000")).quarantine;
  const ids = all.map(({ id }) => Number(id));
  assert.deepEqual(ids, ids.toSorted((a, b) => b - a));
  for (const reason of ["", "stale", "unknown_instrument", "no_such_reason"]) {
    const paged: Row[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page = await list(
        new URLSearchParams({
          limit: "4",
          ...(reason ? { reason } : {}),
          ...(cursor ? { cursor } : {}),
        }).toString(),
      );
      paged.push(...page.quarantine);
      cursor = page.next_cursor;
    }
    assert.deepEqual(paged, all.filter((row) => reason === "" || row.reason === reason));
  }
});

Deno.test("a row whose instrument was made since is stored by a retry, once", async () => {
  const ts = now();
  const row = await quarantined({ ts, symbol: "LATER", price: 7, exchange: "P" });
  await stays(row.id);
  await app.post("/api/instruments", { symbol: "LATER" });
  const response = await retry(row.id);
  assert.equal(response.status, 200);
  const answer: Answer = await response.json();
  assert.deepEqual(answer, { accepted: 1, quarantined: 0, replayed: false });
  assert.deepEqual(await readTicks(app, "LATER"), [
    tick({ ts, symbol: "LATER", price: 7, exchange: "P" }),
  ]);
  const { candles } = await app.json<{ candles: { close: number }[] }>(
    "/api/candles?symbol=LATER",
  );
  assert.deepEqual(candles.map(({ close }) => close), [7]);
  assert.ok(!(await list("limit=1000")).quarantine.some(({ id }) => id === row.id));
  assert.equal((await problemOf(await retry(row.id))).status, 404);
  assert.equal(await countTicks(app, "LATER"), 1);
});

Deno.test("retries of one row at once store it once", async () => {
  const row = await quarantined({ ts: now(), symbol: "ONCE" });
  const responses = await Promise.all(
    Array.from({ length: 6 }, () => retry(row.id, "?create=true")),
  );
  const statuses = responses.map(({ status }) => status).sort();
  await Promise.all(responses.map((response) => response.body?.cancel()));
  assert.deepEqual(statuses, [200, 404, 404, 404, 404, 404]);
  assert.equal(await countTicks(app, "ONCE"), 1);
});

Deno.test("?create and ?backfill of a retry mean what they mean for an upload", async () => {
  const born = await quarantined({ ts: now(), symbol: "BORN" });
  await stays(born.id, "?backfill=true");
  assert.equal((await retry(born.id, "?create=true")).status, 200);
  const old = await quarantined({ ts: "2001-01-01T00:00:00Z", symbol: "BORN" });
  await stays(old.id, "?create=true");
  assert.equal((await retry(old.id, "?backfill=true")).status, 200);
  assert.equal(await countTicks(app, "BORN"), 2);
});

Deno.test("a tick of the future can be stored when its time has come", async () => {
  await app.post("/api/instruments", { symbol: "AHEAD" });
  const row = await quarantined({
    ts: new Date(Date.now() + 10 * minute).toISOString(),
    symbol: "AHEAD",
  });
  assert.equal(row.reason, "future");
  await stays(row.id);
  clock.skew = 6 * minute;
  assert.equal((await retry(row.id)).status, 200);
  clock.skew = 0;
});

Deno.test("a row of a deleted instrument is stored after it is restored", async () => {
  const { id } = await (await app.post("/api/instruments", { symbol: "BACK" })).json();
  await app.json(`/api/instruments/${id}`, { method: "DELETE" });
  const row = await quarantined({ ts: now(), symbol: "BACK" });
  assert.equal(row.reason, "deleted_instrument");
  await stays(row.id, "?create=true");
  await app.json(`/api/instruments/${id}/restore`, { method: "POST" });
  assert.equal((await retry(row.id)).status, 200);
});

Deno.test("a row that cannot be read stays, however often it is tried", async () => {
  await app.post("/api/instruments", { symbol: "GOOD" });
  const body = `${JSON.stringify(tick({ ts: now(), symbol: "GOOD" }))}\n{"ts":"broken\n`;
  const response = await app.post("/api/ticks", body, { "content-type": "application/x-ndjson" });
  assert.equal(response.status, 200);
  await response.body?.cancel();
  const [row] = (await list("reason=unparsable&limit=1")).quarantine;
  assert.equal(row?.raw, '{"ts":"broken');
  for (let turn = 0; turn < 3; turn++) await stays(row?.id ?? "", "?create=true&backfill=true");
});

Deno.test("a row that is not there is not found, a bad question is refused", async () => {
  assert.equal((await problemOf(await retry("999999999"))).status, 404);
  for (const id of ["x", "-1", "1.5", "9".repeat(19)]) {
    assert.equal((await problemOf(await retry(id))).status, 400, id);
  }
  const cursor = btoa('["9999999999999999999"]');
  for (const query of ["limit=0", "cursor=x", `cursor=${cursor}`, "reason=%00", "reason=A%20B"]) {
    assert.equal((await problemOf(await app.request(`/api/quarantine?${query}`))).status, 400);
  }
});
