import assert from "node:assert/strict";
import fc from "fast-check";
import { createCsvRowReader, type CsvColumn } from "../../services/ingest/parse/bytes/csv_row.ts";
import { createJsonRowReader } from "../../services/ingest/parse/bytes/json_row.ts";
import { ByteScanner } from "../../services/ingest/parse/bytes/scanner.ts";
import { parseCsv } from "../../services/ingest/parse/parse_csv.ts";
import { readJsonLine } from "../../services/ingest/parse/parse_ndjson.ts";
import { formatTimestamp } from "../../services/ingest/timestamp.ts";
import { cut, gather } from "../helpers/ticks.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const json = createJsonRowReader(new ByteScanner());
const at = "2026-01-31T09:30:00.123456Z";

const stamp = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.integer({ min: 0, max: Date.UTC(2199, 11, 31) })
      .map((ms) => formatTimestamp(ms * 1000 + 7)),
  },
  fc.constantFrom(
    at,
    "2024-02-29T23:59:59Z",
    "2023-02-29T00:00:00Z",
    "2026-01-31 09:30:00Z",
    "2026-01-31T09:30:00.1Z",
    "2026-01-31T09:30:00.Z",
    "2026-01-31T09:30:60Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T09:30:00+05:30",
    "2026-01-31T09:30:00.1234567Z",
    "1969-12-31T23:59:59Z",
    "0099-01-01T00:00:00Z",
    "2200-01-01T00:00:00Z",
    "tomorrow",
  ),
);
const label = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9. -]{1,12}$/) },
  fc.constantFrom("SPY", "", "a b", "É漢", 'q"uote', "back\\slash", "x".repeat(70), "\u007f", "~"),
  fc.string({ maxLength: 40 }),
);
const number = fc.oneof(
  fc.double({ noNaN: true, min: -1, max: 1e18 }).map(String),
  fc.integer({ min: 0, max: 1e9 }).map(String),
  {
    weight: 4,
    arbitrary: fc.tuple(fc.nat(999_999_999), fc.nat(999_999)).map(([a, b]) => `${a}.${b}`),
  },
  fc.constantFrom("0", "00", "0.0", "-0", "01", "1.", ".5", "1e5", "9007199254740993", "1e400"),
  fc.bigInt({ min: 0n, max: 10n ** 22n }).map(String),
);
const edit = fc.record({
  at: fc.nat(200),
  cut: fc.nat(2),
  put: fc.constantFrom("", ",", '"', "}", "{", ":", "\\", " ", "0", "-", ".", "e", "\r", "é", "\t"),
});

function damage(text: string, edits: readonly { at: number; cut: number; put: string }[]): string {
  return edits.reduce((all, { at, cut, put }) => {
    const place = at % (all.length + 1);
    return all.slice(0, place) + put + all.slice(place + cut);
  }, text);
}

Deno.test("a JSON line read from its bytes is the tick JSON.parse gives, or is left to it", () => {
  const line = fc.record({
    ts: stamp,
    symbol: label,
    price: number,
    size: number,
    rest: fc.subarray(["exchange", "side", "trade_id", "other"]),
    labels: fc.array(fc.oneof(label, fc.constant(null), fc.integer()), {
      minLength: 4,
      maxLength: 4,
    }),
    order: fc.nat(23),
    spaced: fc.boolean(),
    edits: fc.oneof(fc.constant([]), fc.array(edit, { maxLength: 2 })),
  });
  fc.assert(
    fc.property(line, ({ ts, symbol, price, size, rest, labels, order, spaced, edits }) => {
      const fields = [
        ["ts", JSON.stringify(ts)],
        ["symbol", JSON.stringify(symbol)],
        ["price", price],
        ["size", size],
      ];
      fields.push(...fields.splice(0, order % 4));
      fields.push(...rest.map((name, at) => [name, JSON.stringify(labels[at])]));
      const [comma, colon] = spaced ? [", ", ": "] : [",", ":"];
      const text = `{${fields.map(([name, value]) => `"${name}"${colon}${value}`).join(comma)}}`;
      const damaged = damage(text, edits).replaceAll("\n", " ");
      const bytes = encode(`${damaged}\n`);
      const plain = json.read(bytes, 0, 3);
      if (plain === undefined) return;
      assert.equal(json.next, bytes.length, damaged);
      assert.deepEqual(plain, readJsonLine(damaged, 3), damaged);
    }),
    { numRuns: 30_000 },
  );
});

Deno.test("a CSV record read from its bytes is the tick of the long way, or is left to it", async () => {
  const orders: CsvColumn[][] = [
    ["ts", "symbol", "price", "size", "exchange"],
    ["ts", "symbol", "price", "size", "exchange", "side", "trade_id"],
    ["trade_id", "size", "price", "ts", "symbol"],
  ];
  const record = fc.record({
    ts: stamp,
    symbol: label,
    price: number,
    size: number,
    exchange: label,
    side: label,
    trade_id: label,
    order: fc.nat(2),
    edits: fc.oneof(fc.constant([]), fc.array(edit, { maxLength: 2 })),
  });
  let read = 0;
  await fc.assert(
    fc.asyncProperty(record, async ({ order, edits, ...fields }) => {
      const columns = orders[order]!;
      const text = damage(columns.map((column) => fields[column]).join(","), edits)
        .replaceAll("\n", " ");
      const bytes = encode(`${text}\n`);
      const reader = createCsvRowReader(new ByteScanner(), columns);
      const plain = reader.read(bytes, 0, 2);
      if (plain === undefined) return;
      read++;
      assert.equal(reader.next, bytes.length, text);
      // A quoted field in front takes the parser's long way, and means the same.
      const quoted = text.replace(/^([^,]*)/, '"$1"');
      const body = encode(`${columns.join(",")}\n${quoted}\n`);
      const { ticks } = await gather(parseCsv(cut(body, [1 << 20]), { batchRows: 9, maxRows: 9 }));
      assert.deepEqual([plain], ticks, text);
    }),
    { numRuns: 4_000 },
  );
  assert.ok(read > 200, `only ${read} records were read from their bytes`);
});

Deno.test("the rows that senders write are read from their bytes", () => {
  const rows = [
    { ts: at, symbol: "SPY", price: 601.25, size: 100, exchange: "P" },
    { ts: at, symbol: "BRK.B", price: 0.00012345, size: 1, exchange: null, side: "buy" },
    { symbol: "ES Z6", price: 4, ts: "2026-01-31T09:30:00Z", size: 0, trade_id: 123456789 },
    { ts: at, symbol: "A", price: 99999999999.9999, size: 1e9, side: null, trade_id: "x-1" },
  ];
  for (const row of rows) {
    for (const text of [JSON.stringify(row), JSON.stringify(row).replace(/([,:])"/g, '$1 "')]) {
      const bytes = encode(`${text}\r\n`);
      assert.deepEqual(json.read(bytes, 0, 1), readJsonLine(text, 1), text);
    }
  }
  const reader = createCsvRowReader(new ByteScanner(), [
    "ts",
    "symbol",
    "price",
    "size",
    "exchange",
  ]);
  for (const text of [`${at},SPY,601.25,100,P\r\n`, `${at},IBM,2,3,\n`]) {
    assert.ok(reader.read(encode(text), 0, 1), text);
  }
});

Deno.test("a decimal read from its bytes is the double nearest to it", () => {
  const scanner = new ByteScanner();
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), fc.nat(10), fc.nat(9_999), (whole, zeros, fraction) => {
      const text = `${whole}.${"0".repeat(zeros)}${fraction}`;
      scanner.bytes = encode(text);
      scanner.at = 0;
      const value = scanner.number();
      if (Number.isNaN(value)) assert.ok(text.length > 16, text);
      else assert.equal(value, Number(text));
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("a label remembered in place of another of the same hash is still itself", () => {
  const scanner = new ByteScanner();
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[A-Z]{1,6}$/), { minLength: 1 }), (labels) => {
      for (const text of labels) {
        scanner.bytes = encode(`${text},`);
        scanner.at = 0;
        assert.equal(scanner.label(0x2c, 0x2c, 64), text);
      }
    }),
    { numRuns: 500 },
  );
  for (let at = 0; at < 50_000; at++) {
    scanner.bytes = encode(`S${at % 20_000},`);
    scanner.at = 0;
    assert.equal(scanner.label(0x2c, 0x2c, 64), `S${at % 20_000}`);
  }
});
