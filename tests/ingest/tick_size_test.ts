import assert from "node:assert/strict";
import fc from "fast-check";
import { isOnTick } from "../../services/ingest/judge/tick_size.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { bodyOf, countTicks, formats, send, type Tick, tick, types } from "../helpers/ticks.ts";

/** Tick sizes as decimals of `units` in the last of `scale` places: 0.25 is 25 and 2. */
const tickSizes = fc.oneof(
  fc.constantFrom(
    { units: 1, scale: 2 },
    { units: 5, scale: 2 },
    { units: 25, scale: 2 },
    { units: 1, scale: 4 },
    { units: 1, scale: 8 },
    { units: 1, scale: 12 },
    { units: 390625, scale: 8 }, // 1/256, as US treasuries are quoted
    { units: 1, scale: 0 },
    { units: 1_000, scale: 0 },
  ),
  fc.record({ units: fc.integer({ min: 1, max: 9_999 }), scale: fc.integer({ min: 0, max: 10 }) }),
);
/** Where half a tick is still more than the roundings. */
const ticksMax = 2 ** 48;
const counts = fc.oneof(
  fc.integer({ min: 0, max: 100_000 }),
  fc.integer({ min: 0, max: ticksMax - 1 }),
);

/** `units` in the last of `scale` places, as a client writes it. */
function decimal(units: bigint, scale: number): string {
  const digits = units.toString().padStart(scale + 1, "0");
  return scale === 0
    ? digits
    : `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
}

Deno.test("every multiple of a tick size is one, read from decimals or multiplied", () => {
  fc.assert(
    fc.property(tickSizes, counts, ({ units, scale }, count) => {
      const size = Number(decimal(BigInt(units), scale));
      const text = decimal(BigInt(units) * BigInt(count), scale);
      assert.ok(isOnTick(Number(text), size), `${text} of ${size}`);
      assert.ok(isOnTick(count * size, size), `${count} times ${size}`);
      assert.ok(isOnTick(-(-count * size), size));
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("no half tick is a multiple, nor a hundredth of one where that is far from noise", () => {
  fc.assert(
    fc.property(tickSizes, counts, ({ units, scale }, count) => {
      const size = Number(decimal(BigInt(units), scale));
      const half = decimal(BigInt(units) * 5n * (2n * BigInt(count) + 1n), scale + 1);
      assert.ok(!isOnTick(Number(half), size), `${half} of ${size}`);
      const few = BigInt(count % 1_000_000);
      const hundredth = decimal(BigInt(units) * (100n * few + 1n), scale + 2);
      assert.ok(!isOnTick(Number(hundredth), size), `${hundredth} of ${size}`);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("sums and differences of multiples are multiples, whatever float8 makes of them", () => {
  const parts = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 2, maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(0.1, 0.01, 0.05, 0.001, 1e-8), parts, (size, counts) => {
      const sum = counts.reduce((sum, count) => sum + count * size, 0);
      assert.ok(isOnTick(sum, size), `${sum} of ${size}`);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("known prices are judged as a person would", () => {
  const on: [number, number][] = [
    [0.1 + 0.2, 0.1],
    [1.1 * 3, 0.1],
    [10.01, 0.01],
    [0, 0.01],
    [99_999_999.99, 0.01],
    [1e15, 0.25],
    [60_000.00000001, 1e-8],
    [1e30, 0.01], // beyond what float8 can tell
    [5, 5e-324], // a quotient that is not finite
  ];
  const off: [number, number][] = [
    [10.005, 0.01],
    [10.0001, 0.01],
    [0.005, 0.01],
    [1e-20, 0.01],
    [0.01, 1e300],
    [10.010000228881836, 0.01], // 10.01 as a float4
    [60_000.000000005, 1e-8],
    [1.5, 1],
  ];
  for (const [price, size] of on) assert.ok(isOnTick(price, size), `${price} of ${size}`);
  for (const [price, size] of off) assert.ok(!isOnTick(price, size), `${price} of ${size}`);
});

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const ts = new Date().toISOString();

async function make(symbol: string, tick_size: number | null): Promise<number> {
  const response = await app.post("/api/instruments", { symbol, tick_size });
  assert.equal(response.status, 201);
  return (await response.json()).id;
}

const patch = async (id: number, tick_size: number | null) => {
  const response = await app.request(`/api/instruments/${id}`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tick_size }),
  });
  await response.body?.cancel();
  assert.equal(response.status, 200);
};

const counted = async (symbol: string, price: number) => {
  const { accepted, quarantined } = await send(app, [tick({ ts, symbol, price })]);
  return [accepted, quarantined];
};

Deno.test("a price off the instrument's tick size is quarantined, in every format", async () => {
  await make("GRID", 0.01);
  const ticks: Tick[] = [10.01, 10.005, 0.1 + 0.2, 7, 7.0001].map((price) =>
    tick({ ts, symbol: "GRID", price })
  );
  for (const format of formats) {
    const response = await app.post("/api/ticks", bodyOf(format, ticks), {
      "content-type": types[format],
    });
    const answer = await response.json();
    assert.deepEqual([answer.accepted, answer.quarantined], [3, 2], format);
    assert.match(
      answer.errors[0].message,
      /price 10\.005 is not a multiple of the tick size 0\.01/,
    );
    assert.deepEqual(answer.errors.map(({ path }: { path: string }) => path), ["price", "price"]);
  }
  const { quarantine } = await app.json<{ quarantine: { raw: string }[] }>(
    "/api/quarantine?reason=off_tick_size",
  );
  assert.deepEqual(
    quarantine.map(({ raw }) => JSON.parse(raw).price),
    [7.0001, 10.005, 7.0001, 10.005, 7.0001, 10.005],
  );
  assert.equal(await countTicks(app, "GRID"), 9);
});

Deno.test("a changed tick size judges the next upload, whoever changed it", async () => {
  const id = await make("CHANGES", null);
  assert.deepEqual(await counted("CHANGES", 10.005), [1, 0]);
  await patch(id, 0.01);
  assert.deepEqual(await counted("CHANGES", 10.005), [0, 1]);
  await patch(id, 0.001);
  assert.deepEqual(await counted("CHANGES", 10.005), [1, 0]);
  // From outside of this process, which has the old one in its memory.
  await app.sql`update market.instruments set tick_size = 0.01 where id = ${id}`;
  assert.deepEqual(await counted("CHANGES", 10.005), [0, 1]);
  await app.sql`update market.instruments set tick_size = null where id = ${id}`;
  assert.deepEqual(await counted("CHANGES", 10.005), [1, 0]);
});
