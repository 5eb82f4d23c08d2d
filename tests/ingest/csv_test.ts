import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import { splitRecord } from "../../services/ingest/parse/mapping/records.ts";
import { parseCsv } from "../../services/ingest/parse/parse_csv.ts";
import type { RowBatch } from "../../services/ingest/tick.ts";
import { cut, gather } from "../helpers/ticks.ts";

const options = { batchRows: 100, maxRows: 10_000 };
const at = "2026-01-31T09:30:00.123456Z";
const head = "ts,symbol,price,size,exchange";
const encode = (text: string) => new TextEncoder().encode(text);

function parse(text: string, sizes = [1 << 20], given = options): Promise<RowBatch> {
  return gather(parseCsv(cut(encode(text), sizes), given));
}

async function refusal(text: string): Promise<HoldfastError> {
  try {
    await parse(text);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error(`Was not refused: ${text.slice(0, 80)}`);
}

const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;
const field = fc.string({ unit: fc.constantFrom(..."ab1 ,\"'é漢😀;\t".split(/(?:)/u)) });
const cell = fc.tuple(field, fc.boolean());
const written = ([text, quoted]: [string, boolean]) =>
  quoted || /[",]/.test(text) ? quote(text) : text;

Deno.test("a record quoted by RFC 4180 comes apart into its fields", () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 8 }), (cells) => {
      assert.deepEqual(splitRecord(cells.map(written).join(",")), cells.map(([text]) => text));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a quote left open or in the wrong place is no record", () => {
  for (const text of ['"', '"a', 'a"b', 'a,"b', '"a"b', '"a" ,b', 'a, "b"', '"""']) {
    assert.equal(splitRecord(text), undefined, text);
  }
  assert.deepEqual(splitRecord('"",a,""""'), ["", "a", '"']);
});

const line = fc.oneof(
  fc.record({
    symbol: fc.constantFrom("SPY", "漢字", "é", "😀", 'Q"Q', "A,B"),
    price: fc.constantFrom("1", "1.5", "1e3", ".5", "-1", "NaN", "x", ""),
    exchange: fc.constantFrom("P", "", "Ω", '"'),
  }).map(({ symbol, price, exchange }) =>
    [at, quote(symbol), price, "10", quote(exchange)].join(",")
  ),
  fc.constantFrom("", `${at},SPY,1`, '"', "漢,字", `${at},SPY,1,1,P,X`),
);

Deno.test("any split of the bytes into chunks gives the same rows", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30 }),
      fc.constantFrom("\n", "\r\n"),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
      async (lines, end, closed, sizes) => {
        const text = [head, ...lines].join(end) + (closed ? end : "");
        assert.deepEqual(await parse(text, sizes), await parse(text));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("CRLF and LF, a byte order mark and a missing last line end give the same ticks", async () => {
  const lines = [head, `${at},SPY,601.25,100,P`, `${at},IBM,2,3,`];
  const plain = await parse(`${lines.join("\n")}\n`);
  assert.deepEqual(plain.refusals, []);
  assert.equal(plain.ticks.length, 2);
  assert.deepEqual(plain.ticks[1], {
    line: 3,
    instrumentId: 0,
    tsUs: Date.parse(at) * 1000 + 456,
    symbol: "IBM",
    price: 2,
    size: 3,
    exchange: null,
    side: null,
    tradeId: null,
  });
  for (const text of [lines.join("\n"), lines.join("\r\n"), `\ufeff${lines.join("\n")}`]) {
    assert.deepEqual(await parse(text), plain);
  }
});

Deno.test("columns may come in any order and case, and the optional ones may be absent", async () => {
  const { ticks } = await parse(`Size, TRADE_ID ,price,symbol,"ts",side\n5,t-1,2,SPY,${at},buy`);
  const [tick] = ticks;
  assert.deepEqual(
    [tick?.size, tick?.tradeId, tick?.price, tick?.symbol, tick?.side, tick?.exchange],
    [5, "t-1", 2, "SPY", "buy", null],
  );
});

Deno.test("a header that does not name the columns once each is refused", async () => {
  const headers: [string, RegExp][] = [
    ["", /empty/],
    ["\n\n", /empty/],
    [`${at},SPY,1,1,P`, /missing: ts, symbol, price, size/],
    ["ts,symbol,price\n", /missing: size/],
    ["ts,symbol,price,size,colour\n", /Unknown column "colour"/],
    ["ts,symbol,price,size,price\n", /twice/],
    ["ts,symbol,price,size,\n", /Unknown column ""/],
    ['ts,symbol,price,size,"\n', /missing/],
  ];
  for (const [text, words] of headers) {
    const error = await refusal(text);
    assert.equal(error.code, "malformed_body");
    assert.match(error.message, words);
    assert.deepEqual(error.problems.map(({ line, path }) => [line, path]), [[1, "header"]], text);
  }
});

Deno.test("a bad line spoils only itself and says where and why", async () => {
  const bad: [string, string, string][] = [
    [`${at},SPY,1`, "line", "unparsable"],
    [`${at},"SPY,1,1,P`, "line", "unparsable"],
    [`yesterday,SPY,1,1,P`, "ts", "unparsable"],
    [`2026-02-30T00:00:00Z,SPY,1,1,P`, "ts", "unparsable"],
    [`9999-01-01T00:00:00Z,SPY,1,1,P`, "ts", "future"],
    [`1969-01-01T00:00:00Z,SPY,1,1,P`, "ts", "stale"],
    [`${at},,1,1,P`, "symbol", "unparsable"],
    [`${at},S\u0007Y,1,1,P`, "symbol", "unparsable"],
    [`${at},${"S".repeat(65)},1,1,P`, "symbol", "unparsable"],
    [`${at},SPY,,1,P`, "price", "unparsable"],
    [`${at},SPY,1_000,1,P`, "price", "unparsable"],
    [`${at},SPY,0x10,1,P`, "price", "unparsable"],
    [`${at},SPY,NaN,1,P`, "price", "not_finite"],
    [`${at},SPY,-Infinity,1,P`, "price", "not_finite"],
    [`${at},SPY,1e999,1,P`, "price", "not_finite"],
    [`${at},SPY,1e300,1,P`, "price", "unparsable"],
    [`${at},SPY,-0.01,1,P`, "price", "negative"],
    [`${at},SPY,1,-1,P`, "size", "negative"],
    [`${at},SPY,1,1,😀\u0000`, "exchange", "unparsable"],
    [`${at},SPY,1,1,\u009f`, "exchange", "unparsable"],
  ];
  for (const [text, path, reason] of bad) {
    const good = `${at},SPY,1,1,P`;
    const { ticks, refusals } = await parse([head, good, text, good].join("\n"));
    assert.deepEqual(ticks.map((one) => one.line), [2, 4], text);
    assert.deepEqual(refusals.map((one) => [one.line, one.path, one.reason]), [[3, path, reason]]);
    assert.equal(refusals[0]?.raw, text);
  }
});

Deno.test("a line that is too long and bytes that are not UTF-8 are refused with their line", async () => {
  for (const sizes of [[1 << 20], [1_000]]) {
    const text = `${head}\n${at},SPY,1,1,P\n${"x".repeat(70_000)}\n${at},SPY,1,1,P\n`;
    await assert.rejects(parse(text, sizes), (error: HoldfastError) => {
      assert.deepEqual(error.problems.map(({ line, path }) => [line, path]), [[3, "line"]]);
      return error.code === "malformed_body";
    });
  }
  const latin1 = new Uint8Array([...encode(`${head}\n${at},`), 0xe9, ...encode(",1,1,P\n")]);
  await assert.rejects(gather(parseCsv(cut(latin1, [30]), options)), /not UTF-8/);
});

Deno.test("rows beyond the limit are refused, batches keep their size", async () => {
  const text = `${head}\n${`${at},SPY,1,1,P\n`.repeat(25)}`;
  await assert.rejects(parse(text, [64], { batchRows: 10, maxRows: 24 }), /more than 24 rows/);
  const sizes: number[] = [];
  for await (
    const { ticks } of parseCsv(cut(encode(text), [64]), { batchRows: 10, maxRows: 25 })
  ) sizes.push(ticks.length);
  assert.deepEqual(sizes, [10, 10, 5]);
});
