import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import { findJsonFault } from "../../services/ingest/parse/json_fault.ts";
import { parseJson } from "../../services/ingest/parse/parse_json.ts";
import { parseNdjson } from "../../services/ingest/parse/parse_ndjson.ts";
import { type RowBatch, tickToJson } from "../../services/ingest/tick.ts";
import { cut, gather } from "../helpers/ticks.ts";

const options = { batchRows: 100, maxRows: 10_000 };
const at = "2026-01-31T09:30:00.123456Z";
const encode = (text: string) => new TextEncoder().encode(text);
const row = (fields: Record<string, unknown> = {}) =>
  JSON.stringify({ ts: at, symbol: "SPY", price: 1, size: 1, ...fields });

function parse(text: string, sizes = [1 << 20]): Promise<RowBatch> {
  return gather(parseNdjson(cut(encode(text), sizes), options));
}

function parseArray(text: string, sizes = [1 << 20]): Promise<RowBatch> {
  return gather(parseJson(cut(encode(text), sizes), options));
}

const label = fc.option(fc.string({ unit: "grapheme", maxLength: 12 }));
const value = fc.record({
  ts: fc.constantFrom(at, "2026-01-31 09:30:00+05:30", "tomorrow", 12, null),
  symbol: fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.constant("漢字😀")),
  price: fc.oneof(fc.double(), fc.integer(), fc.constant("1")),
  size: fc.double({ min: 0, max: 1e12, noNaN: true }),
  exchange: label,
  trade_id: fc.oneof(label, fc.integer()),
}, { requiredKeys: ["ts", "symbol", "price"] });
const line = fc.oneof(
  { weight: 8, arbitrary: value.map((one) => JSON.stringify(one)) },
  fc.constantFrom("", "  ", "{", "[]", "null", '"漢"', "{}\t", "😀"),
);

Deno.test("any split of the bytes into chunks gives the same rows", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      fc.constantFrom("\n", "\r\n"),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
      async (lines, end, sizes) => {
        const text = [row(), ...lines].join(end);
        assert.deepEqual(await parse(text, sizes), await parse(text));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("an array and lines of the same values give the same ticks and reasons", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 50 }),
      async (values, size) => {
        const lines = await parse(values.map((one) => JSON.stringify(one)).join("\n"));
        const array = await parseArray(JSON.stringify(values, null, 1), [size]);
        assert.deepEqual(array.ticks, lines.ticks);
        const where = ({ refusals }: RowBatch) =>
          refusals.map(({ line, reason, path, message }) => [line, reason, path, message]);
        assert.deepEqual(where(array), where(lines));
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a tick written as a line is read back as the same tick", async () => {
  await fc.assert(fc.asyncProperty(fc.array(value, { minLength: 1 }), async (values) => {
    const { ticks } = await parse(values.map((one) => JSON.stringify(one)).join("\n"));
    if (ticks.length === 0) return;
    const again = await parse(ticks.map(tickToJson).join("\n"));
    assert.deepEqual(again.refusals, []);
    assert.deepEqual(
      again.ticks.map((one) => ({ ...one, line: 0 })),
      // JSON has no negative zero.
      ticks.map((one) => ({ ...one, line: 0, price: one.price + 0, size: one.size + 0 })),
    );
  }));
});

Deno.test("blank lines are passed over and still counted", async () => {
  const { ticks, refusals } = await parse(`\n${row()}\n  \r\n{\n\n${row()}`);
  assert.deepEqual(ticks.map((one) => one.line), [2, 6]);
  assert.deepEqual(refusals.map((one) => [one.line, one.path]), [[4, "line"]]);
});

Deno.test("a bad row names its field and why", async () => {
  const bad: [Record<string, unknown>, string, string][] = [
    [{ ts: undefined }, "ts", "unparsable"],
    [{ ts: 1769851800 }, "ts", "unparsable"],
    [{ ts: "2026-01-31T09:30:00" }, "ts", "unparsable"],
    [{ ts: "9999-12-31T23:59:59Z" }, "ts", "future"],
    [{ symbol: null }, "symbol", "unparsable"],
    [{ symbol: ["SPY"] }, "symbol", "unparsable"],
    [{ symbol: "" }, "symbol", "unparsable"],
    [{ symbol: "😀\u0000" }, "symbol", "unparsable"],
    [{ symbol: "\ud800" }, "symbol", "unparsable"],
    [{ symbol: "a\udfff漢" }, "symbol", "unparsable"],
    [{ price: "1" }, "price", "unparsable"],
    [{ price: true }, "price", "unparsable"],
    [{ price: {} }, "price", "unparsable"],
    [{ price: null }, "price", "unparsable"],
    [{ price: -1 }, "price", "negative"],
    [{ price: 1e31 }, "price", "unparsable"],
    [{ price: 1e-171 }, "price", "unparsable"],
    [{ size: 9e-31 }, "size", "unparsable"],
    [{ size: undefined }, "size", "unparsable"],
    [{ size: -0.5 }, "size", "negative"],
    [{ exchange: 5 }, "exchange", "unparsable"],
    [{ exchange: "x".repeat(33) }, "exchange", "unparsable"],
    [{ side: "\n" }, "side", "unparsable"],
    [{ trade_id: 1.5 }, "trade_id", "unparsable"],
    [{ trade_id: 2 ** 60 }, "trade_id", "unparsable"],
  ];
  for (const [fields, path, reason] of bad) {
    const { ticks, refusals } = await parse(`${row()}\n${row(fields)}\n`);
    assert.equal(ticks.length, 1);
    assert.deepEqual(
      refusals.map((one) => [one.line, one.path, one.reason]),
      [[2, path, reason]],
      JSON.stringify(fields),
    );
    assert.ok(refusals[0]?.message.includes(path));
  }
});

Deno.test("a number too great for a double is not finite", async () => {
  const { refusals } = await parse(row().replace('"price":1', '"price":1e999'));
  assert.deepEqual(refusals.map((one) => one.reason), ["not_finite"]);
});

Deno.test("a field inherited from Object or __proto__ is no field", async () => {
  const { ticks, refusals } = await parse(
    `{"__proto__":${row()}}\n{"constructor":1,"ts":"${at}","symbol":"A","price":1,"size":1}`,
  );
  assert.deepEqual(refusals.map((one) => [one.line, one.path]), [[1, "ts"]]);
  assert.deepEqual(ticks.map((one) => one.symbol), ["A"]);
});

Deno.test("a body that is no array of JSON is refused with the line and the field", async () => {
  const bodies: [string, number, string, RegExp][] = [
    ["", 1, "body", /empty/],
    [" \n\n ", 3, "body", /empty/],
    ["{}", 1, "body", /array/],
    ["null", 1, "body", /array/],
    ['"ticks"', 1, "body", /array/],
    [`[${row()},]`, 1, "body", /unexpected "]"/],
    [`[\n${row()},\n{"price": NaN}\n]`, 3, "price", /price: unexpected "NaN"/],
    [`[\n{"ts":\n-Infinity}]`, 3, "ts", /unexpected "-Infinity"/],
    [`[\n${row()}\n${row()}\n]`, 3, "body", /unexpected "{"/],
    [`[${row()}`, 1, "body", /ends too early/],
    [`[{"size": 01}]`, 1, "size", /unexpected "1"/],
    [`[{'ts': 1}]`, 1, "body", /unexpected "'"/],
    [`[{"\\u0000": NaN}]`, 1, "body", /unexpected "NaN"/],
  ];
  for (const [text, line, path, words] of bodies) {
    await assert.rejects(parseArray(text), (error: HoldfastError) => {
      assert.equal(error.code, "malformed_body");
      assert.match(error.problems[0]?.message ?? "", words);
      assert.deepEqual(error.problems.map((one) => [one.line, one.path]), [[line, path]], text);
      return true;
    });
  }
});

Deno.test("a line with NaN, as some languages write it, names its field and is not finite", async () => {
  const { refusals } = await parse(`${row()}\n${row().replace('"price":1', '"price":NaN')}\n{"a`);
  assert.deepEqual(refusals.map((one) => [one.line, one.path, one.reason]), [
    [2, "price", "not_finite"],
    [3, "line", "unparsable"],
  ]);
});

Deno.test("a fault of JSON is found exactly when JSON.parse refuses the text", () => {
  const edit = fc.record({
    at: fc.nat(400),
    cut: fc.nat(3),
    put: fc.constantFrom("", ",", "NaN", '"', "}", "]", "{", ":", "\\", "\n", "0", "-", ".", "e1"),
  });
  fc.assert(
    fc.property(fc.json(), fc.array(edit, { maxLength: 2 }), (json, edits) => {
      const text = edits.reduce((all, { at, cut, put }) => {
        const place = at % (all.length + 1);
        return all.slice(0, place) + put + all.slice(place + cut);
      }, json);
      let refused = false;
      try {
        JSON.parse(text);
      } catch {
        refused = true;
      }
      assert.equal(findJsonFault(text) !== undefined, refused, text);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("lines without a row, and bytes that are not UTF-8, are no body", async () => {
  for (const text of ["", "\n", " \r\n\n"]) await assert.rejects(parse(text), /empty/);
  for (const bytes of [[0xff, 0xfe, 0x5b], [0xc3], [0xed, 0xa0, 0x80], [0x5b, 0x80]]) {
    const body = new Uint8Array(bytes);
    await assert.rejects(gather(parseNdjson(cut(body, [1]), options)), /not UTF-8/);
    await assert.rejects(gather(parseJson(cut(body, [1]), options)), /not UTF-8/);
  }
});

Deno.test("an element nested a hundred thousand deep is refused, not fatal", async () => {
  const deep = (open: string, close: string) => open.repeat(100_000) + close.repeat(100_000);
  for (const nest of [deep("[", "]"), deep('{"a":[', "]}")]) {
    const { refusals } = await parseArray(`[${nest}]`);
    assert.equal(refusals.length, 1);
  }
  const { refusals } = await parse(deep("[", "]").slice(80_000, 120_000));
  assert.equal(refusals.length, 1);
});
