import assert from "node:assert/strict";
import fc from "fast-check";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { readTicks, send, tick } from "../helpers/ticks.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const minute = 60_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const create = "?create=true";

Deno.test("a page of ticks has exactly the published fields", async () => {
  await send(app, [tick({ ts: ago(minute), symbol: "SHAPE" })], create);
  const page = await app.json<Record<string, unknown>>("/api/ticks?symbol=SHAPE");
  assert.deepEqual(Object.keys(page), ["ticks", "next_cursor"]);
  assert.equal(page.next_cursor, null);
  assert.deepEqual(
    Object.keys((page.ticks as object[])[0] ?? {}),
    ["ts", "symbol", "price", "size", "exchange", "side", "trade_id"],
  );
});

Deno.test("ticks of equal time keep their order of arrival, over requests and pages, both ways", async () => {
  let turn = 0;
  const base = ago(10 * minute).slice(0, 19);
  const stamps = ["000001", "000002", "001", "001001"].map((part) => `${base}.${part}Z`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.integer({ min: 1, max: 9 }),
      async (requests, limit) => {
        const symbol = `ORDER-${turn++}`;
        let arrival = 0;
        const sent = requests.map((offsets) =>
          offsets.map((offset) => tick({ ts: stamps[offset] ?? "", symbol, price: arrival++ }))
        );
        for (const ticks of sent) await send(app, ticks, create);
        // Array.sort is stable: equal times stay as they were sent.
        const expected = sent.flat().sort((a, b) => stamps.indexOf(a.ts) - stamps.indexOf(b.ts));
        assert.deepEqual(await readTicks(app, symbol, { limit }), expected);
        assert.deepEqual(
          await readTicks(app, symbol, { limit, order: "desc" }),
          expected.toReversed(),
        );
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("from is included and to is not, to the microsecond", async () => {
  const base = ago(minute).slice(0, 19);
  const stamps = ["000001", "000002", "000003", "000004"].map((part) => `${base}.${part}Z`);
  await send(app, stamps.map((ts) => tick({ ts, symbol: "RANGE" })), create);
  const between = async (from?: string, to?: string) => {
    const query = new URLSearchParams({
      symbol: "RANGE",
      ...(from ? { from } : {}),
      ...(to ? { to } : {}),
    });
    const { ticks } = await app.json<{ ticks: { ts: string }[] }>(`/api/ticks?${query}`);
    return ticks.map(({ ts }) => stamps.indexOf(ts));
  };
  assert.deepEqual(await between(stamps[1], stamps[3]), [1, 2]);
  assert.deepEqual(await between(stamps[3]), [3]);
  assert.deepEqual(await between(undefined, stamps[1]), [0]);
  assert.deepEqual(await between("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"), [0, 1, 2, 3]);
  assert.deepEqual(await between("9999-01-01T00:00:00+23:59"), []);
});

Deno.test("a question that cannot be answered is a problem that names the parameter", async () => {
  const cursor = (...parts: string[]) => btoa(JSON.stringify(parts)).replaceAll("=", "");
  const questions: [string, string][] = [
    ["", "symbol"],
    ["symbol=%00", "symbol"],
    [`symbol=${"S".repeat(65)}`, "symbol"],
    ["symbol=RANGE&from=yesterday", "from"],
    ["symbol=RANGE&to=2026-02-30T00:00:00Z", "to"],
    ["symbol=RANGE&limit=0", "limit"],
    ["symbol=RANGE&limit=10001", "limit"],
    ["symbol=RANGE&order=random", "order"],
    ["symbol=RANGE&cursor=junk", "cursor"],
    [`symbol=RANGE&cursor=${cursor("2026-13-45T99:99:99Z", "1")}`, "cursor"],
    [`symbol=RANGE&cursor=${cursor("2026-01-01T00:00:00Z", "9999999999999999999")}`, "cursor"],
    [`symbol=RANGE&cursor=${cursor("2026-01-01T00:00:00Z")}`, "cursor"],
  ];
  for (const [query, path] of questions) {
    const response = await app.request(`/api/ticks?${query}`);
    assert.equal(response.status, 400, query);
    const problem = await response.json();
    assert.equal(problem.code, "invalid_request");
    assert.deepEqual(problem.errors.map((one: { path: string }) => one.path), [path], query);
  }
});
