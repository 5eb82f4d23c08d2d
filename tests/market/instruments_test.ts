import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { countTicks, problemOf, send, tick } from "../helpers/ticks.ts";

interface Instrument {
  id: number;
  symbol: string;
  kind: string;
  currency: string | null;
  tick_size: number | null;
  created_at: string;
  deleted_at: string | null;
}

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const ts = new Date().toISOString();

async function call<T = Instrument>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await app.request(`/api/instruments${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  return response.status === 204 ? undefined as T : await response.json();
}

async function refused(method: string, path: string, body?: unknown) {
  const response = await app.request(`/api/instruments${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const { status, code, errors } = await problemOf(response);
  return { status, code, paths: errors?.map(({ path }) => path) ?? [] };
}

const make = (symbol: string) => call("POST", "", { symbol });

Deno.test("an instrument is made, read, changed and listed", async () => {
  const response = await app.post("/api/instruments", {
    symbol: "SPY",
    kind: "etf",
    currency: "USD",
    tick_size: 0.01,
  });
  assert.equal(response.status, 201);
  const made: Instrument = await response.json();
  assert.equal(response.headers.get("location"), `/api/instruments/${made.id}`);
  assert.deepEqual({ ...made, created_at: "" }, {
    id: made.id,
    symbol: "SPY",
    kind: "etf",
    currency: "USD",
    tick_size: 0.01,
    created_at: "",
    deleted_at: null,
  });
  assert.ok(Math.abs(Date.parse(made.created_at) - Date.now()) < 60_000);
  assert.deepEqual(await call("GET", `/${made.id}`), made);
  const changed = await call("PATCH", `/${made.id}`, { tick_size: null, kind: "fund" });
  assert.deepEqual(changed, { ...made, tick_size: null, kind: "fund" });
  assert.deepEqual(await call("PATCH", `/${made.id}`, {}), changed);
  const { instruments } = await call<{ instruments: Instrument[] }>("GET", "?symbol=SPY");
  assert.deepEqual(instruments, [changed]);
});

Deno.test("a living instrument's symbol is taken; a deleted one's is free", async () => {
  const first = await make("TAKEN");
  const taken = { status: 409, code: "symbol_taken", paths: ["symbol"] };
  assert.deepEqual(await refused("POST", "", { symbol: "TAKEN" }), taken);
  const other = await make("OTHER");
  assert.deepEqual(await refused("PATCH", `/${other.id}`, { symbol: "TAKEN" }), taken);
  await call("DELETE", `/${first.id}`);
  const second = await make("TAKEN");
  assert.notEqual(second.id, first.id);
  assert.deepEqual(await refused("POST", `/${first.id}/restore`), taken);
  await call("DELETE", `/${second.id}`);
  assert.equal((await call("POST", `/${first.id}/restore`)).deleted_at, null);
});

Deno.test("a soft-deleted instrument takes no ticks and keeps its history until restored", async () => {
  const { id } = await make("SOFT");
  await send(app, [tick({ ts, symbol: "SOFT" })]);
  const deleted = await call("DELETE", `/${id}`);
  assert.ok(deleted.deleted_at);
  assert.deepEqual(await call("DELETE", `/${id}`), deleted);
  for (const query of ["", "?create=true"]) {
    const answer = await send(app, [tick({ ts, symbol: "SOFT" })], query);
    assert.deepEqual([answer.accepted, answer.quarantined], [0, 1]);
  }
  assert.equal((await app.json<{ ticks: unknown[] }>("/api/ticks?symbol=SOFT")).ticks.length, 1);
  const living = await call<{ instruments: Instrument[] }>("GET", "?symbol=SOFT");
  const all = await call<{ instruments: Instrument[] }>("GET", "?symbol=SOFT&deleted=true");
  assert.deepEqual([living.instruments.length, all.instruments.length], [0, 1]);
  assert.equal((await refused("PATCH", `/${id}`, { kind: "x" })).code, "conflict");
  await call("POST", `/${id}/restore`);
  assert.equal((await send(app, [tick({ ts, symbol: "SOFT" })])).accepted, 1);
  assert.equal(await countTicks(app, "SOFT"), 2);
});

Deno.test("an instrument is purged only when no tick refers to it", async () => {
  const { id } = await make("PURGE");
  await send(app, [tick({ ts, symbol: "PURGE" })]);
  const referenced = { status: 409, code: "instrument_referenced", paths: [] };
  assert.deepEqual(await refused("DELETE", `/${id}?purge=true`), referenced);
  await call("DELETE", `/${id}`);
  assert.deepEqual(await refused("DELETE", `/${id}?purge=true`), referenced);
  assert.equal(await countTicks(app, "PURGE"), 1);
  await app.sql`delete from market.ticks where instrument_id = ${id}`;
  await call("DELETE", `/${id}?purge=true`);
  assert.equal((await refused("GET", `/${id}`)).status, 404);
  const candles = await app.sql`select 1 from market.candles_1m where instrument_id = ${id}`;
  assert.equal(candles.length, 0);
  // The symbol starts anew.
  const answer = await send(app, [tick({ ts, symbol: "PURGE" })], "?create=true");
  assert.equal(answer.accepted, 1);
});

Deno.test("a purge and uploads at once never leave a tick without its instrument", async () => {
  for (let turn = 0; turn < 10; turn++) {
    const { id, symbol } = await make(`TUSSLE${turn}`);
    const uploads = Array.from({ length: 4 }, () => send(app, [tick({ ts, symbol })]));
    const purge = app.request(`/api/instruments/${id}?purge=true`, { method: "DELETE" });
    const [response] = await Promise.all([purge, ...uploads]);
    assert.ok([204, 409].includes(response.status), await response.text());
    const orphans = await app.sql`
      select 1 from market.ticks where instrument_id not in (select id from market.instruments)`;
    assert.equal(orphans.length, 0);
  }
});

Deno.test("raw SQL cannot remove a referenced instrument either", async () => {
  const { id } = await make("RAW");
  await send(app, [tick({ ts, symbol: "RAW" })]);
  const before = await countTicks(app);
  const statements = [
    app.sql`delete from market.instruments where id = ${id}`,
    app.sql`delete from market.instruments`,
    app.sql`truncate market.instruments`,
    app.sql`truncate market.instruments cascade`,
    app.sql`truncate market.ticks, market.instruments cascade`,
    app.sql`update market.instruments set id = default where id = ${id}`,
  ];
  for (const statement of statements) {
    await assert.rejects(statement, /referenced|never changes|foreign key/);
  }
  // With no candle left, the ticks alone still hold it.
  await app.sql`delete from market.candles_1m where instrument_id = ${id}`;
  await assert.rejects(
    app.sql`delete from market.instruments where id = ${id}`,
    /referenced by market\.ticks/,
  );
  assert.equal(await countTicks(app), before);
  assert.equal((await call("GET", `/${id}`)).symbol, "RAW");
});

Deno.test("the list comes in pages that miss and repeat nothing", async () => {
  for (let at = 0; at < 7; at++) await make(`PAGE${at}`);
  const all = await call<{ instruments: Instrument[]; next_cursor: null }>(
    "GET",
    "?deleted=true&limit=1000",
  );
  assert.equal(all.next_cursor, null);
  const paged: Instrument[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: { instruments: Instrument[]; next_cursor: string | null } = await call(
      "GET",
      `?deleted=true&limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    assert.ok(page.instruments.length <= 3);
    paged.push(...page.instruments);
    cursor = page.next_cursor;
  }
  assert.deepEqual(paged, all.instruments);
});

Deno.test("what is no instrument is refused with the field's name", async () => {
  const bodies: [unknown, string][] = [
    [{}, "symbol"],
    [{ symbol: "" }, "symbol"],
    [{ symbol: "S".repeat(65) }, "symbol"],
    [{ symbol: "A\u0000" }, "symbol"],
    [{ symbol: "\ud800" }, "symbol"],
    [{ symbol: 5 }, "symbol"],
    [{ symbol: "OK", currency: "usd" }, "currency"],
    [{ symbol: "OK", tick_size: 0 }, "tick_size"],
    [{ symbol: "OK", tick_size: "0.01" }, "tick_size"],
    [{ symbol: "OK", kind: "" }, "kind"],
  ];
  for (const [body, path] of bodies) {
    const problem = await refused("POST", "", body);
    assert.equal(problem.status, 400);
    assert.ok(problem.paths.includes(path), JSON.stringify(body));
  }
  for (const id of ["0", "-1", "x", "1.5", "99999999999"]) {
    assert.equal((await refused("GET", `/${id}`)).status, 400, id);
  }
  assert.equal((await refused("GET", "/2147483647")).status, 404);
  assert.equal((await refused("DELETE", "/2147483647?purge=true")).status, 404);
  assert.equal((await refused("POST", "/2147483647/restore")).status, 404);
  const cursor = btoa('["9999999999999999999"]');
  assert.deepEqual((await refused("GET", `?cursor=${cursor}`)).paths, ["cursor"]);
});
