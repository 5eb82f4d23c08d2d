import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import {
  type Answer,
  bodyOf,
  countTicks,
  type Format,
  formats,
  gzip,
  problemOf,
  send,
  tick,
  types,
} from "../helpers/ticks.ts";
import { slowTests } from "../helpers/skip.ts";

/** Bodies tried; 4,000 with HOLDFAST_SLOW_TESTS=1. */
const numRuns = slowTests.present ? 4_000 : 1_000;
let app: TestApp;
const good = tick({
  ts: new Date().toISOString(),
  symbol: "SPY",
  price: 601.25,
  size: 100,
  exchange: "P",
});
Deno.test.beforeAll(async () => {
  app = await startApp();
  await send(app, [good], "?create=true");
});
Deno.test.afterAll(() => app.stop());

/** What bytes may become on their way. */
const edit = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(5_000), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat(5_000), length: fc.nat(60) }),
  fc.record({ kind: fc.constant("end" as const), at: fc.nat(5_000) }),
  fc.record({
    kind: fc.constant("put" as const),
    at: fc.nat(5_000),
    text: fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom(
        ...'NaN|-1|9999-|1e400|null|{|[|]|}|,|\n|\r\n|"|\\u0000|\\ud83d|\0|😀\0|ÿ|2262|-'.split(
          "|",
        ),
      ),
    ),
  }),
);

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function mutate(body: Uint8Array, edits: Edit[]): Uint8Array<ArrayBuffer> {
  let all = [...body];
  for (const one of edits) {
    const at = one.at % (all.length + 1);
    if (one.kind === "flip" && at < all.length) all[at] = (all[at] ?? 0) ^ (1 << one.bit);
    else if (one.kind === "cut") all.splice(at, one.length);
    else if (one.kind === "end") all = all.slice(0, at);
    else if (one.kind === "put") all.splice(at, 0, ...new TextEncoder().encode(one.text));
  }
  return new Uint8Array(all);
}

/** Rows that a body holds, counted without our parsers. */
function rowsOf(format: Format, body: Uint8Array<ArrayBuffer>, packed: boolean): number {
  const text = new TextDecoder().decode(packed ? gunzipSync(body) : body);
  if (format === "json") return JSON.parse(text).length;
  const lines = text.split("\n").filter((line) => (format === "csv" ? line : line.trim()) !== "");
  return format === "csv" ? lines.filter((line) => line !== "\r").length - 1 : lines.length;
}

Deno.test("damaged bodies by the thousand: an answer that adds up or a problem, never a failure", async () => {
  let stored = await countTicks(app);
  const seen: Record<number, number> = {};
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...formats),
      fc.integer({ min: 1, max: 12 }),
      // Damage to the bytes of gzip almost never leaves a body that can be read.
      fc.constantFrom("plain", "plain", "packed", "damage packed"),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      async (format, rows, sent, edits) => {
        const packed = sent !== "plain";
        const text = bodyOf(format, Array(rows).fill(good));
        const plain = new TextEncoder().encode(text);
        const damaged = sent === "packed"
          ? mutate(await gzip(text), edits)
          : packed
          ? await gzip(mutate(plain, edits))
          : mutate(plain, edits);
        const response = await app.request("/api/ticks?create=true", {
          method: "POST",
          headers: {
            "content-type": types[format],
            ...(packed ? { "content-encoding": "gzip" } : {}),
          },
          body: damaged as BodyInit,
          signal: AbortSignal.timeout(5_000),
        });
        seen[response.status] = (seen[response.status] ?? 0) + 1;
        if (response.status === 200) {
          const { accepted, quarantined }: Answer = await response.json();
          assert.equal(accepted + quarantined, rowsOf(format, damaged, packed));
          stored += accepted;
        } else {
          assert.ok(response.status >= 400 && response.status < 500, `${response.status}`);
          assert.ok((await problemOf(response)).errors?.[0]?.path);
        }
      },
    ),
    { numRuns },
  );
  assert.ok((seen[200] ?? 0) > numRuns / 8 && (seen[400] ?? 0) > numRuns / 8, JSON.stringify(seen));
  assert.equal(await countTicks(app), stored);
  const unstorable = await app.sql`
    select 1
    from market.ticks
    where not (price >= 0 and price < 'infinity' and size >= 0 and size < 'infinity')`;
  assert.equal(unstorable.length, 0);
});

Deno.test("after all this a good upload works as before, and nothing failed inside", async () => {
  for (const format of formats) {
    const response = await app.post("/api/ticks", bodyOf(format, [good]), {
      "content-type": types[format],
    });
    const answer: Answer = await response.json();
    assert.deepEqual(answer, { accepted: 1, quarantined: 0, replayed: false });
  }
  assert.deepEqual(app.logs.filter(({ event }) => event === "request_failed"), []);
});
