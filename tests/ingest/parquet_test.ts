import assert from "node:assert/strict";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { type CompressionCodec, parquetMetadata, type SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { HoldfastError } from "../../errors.ts";
import { readBatches } from "../helpers/imports.ts";
import { decompressLz4 } from "../../services/transfer/import/decompress.ts";
import { planParquet } from "../../services/transfer/import/parquet_columns.ts";
import { openSource } from "../../services/transfer/import/source.ts";
import { parseNdjson } from "../../services/ingest/parse/parse_ndjson.ts";
import type { ParsedTick, RowBatch } from "../../services/ingest/tick.ts";
import { formatTimestamp } from "../../services/ingest/timestamp.ts";
import { cut, gather } from "../helpers/ticks.ts";

let folder: string;
Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-parquet-" });
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

type Values = (string | number | bigint | null | undefined | Uint8Array)[];
interface Column {
  element: SchemaElement;
  data: Values;
  encoding?: "PLAIN" | "RLE_DICTIONARY" | "DELTA_BINARY_PACKED" | "DELTA_BYTE_ARRAY";
}

const text = (name: string, data: Values): Column => ({
  element: { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
  data,
});
const double = (name: string, data: Values): Column => ({
  element: { name, type: "DOUBLE", repetition_type: "OPTIONAL" },
  data,
});
const time = (unit: "MILLIS" | "MICROS" | "NANOS", data: Values, utc = true): Column => ({
  element: {
    name: "ts",
    type: "INT64",
    repetition_type: "OPTIONAL",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: utc, unit },
  },
  data,
});

function bytesOf(
  columns: Column[],
  { codec = "SNAPPY", groupRows = 1_000, pageSize = 1 << 20 }: {
    codec?: CompressionCodec;
    groupRows?: number;
    pageSize?: number;
  } = {},
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    codec,
    compressors: {
      GZIP: (input) => gzipSync(input),
      ZSTD: (input) => zstdCompressSync(input),
      BROTLI: (input) => brotliCompressSync(input),
      LZO: (input) => input,
    },
    schema: [{ name: "root", num_children: columns.length }, ...columns.map((one) => one.element)],
  });
  void parquet.write({
    columnData: columns.map(({ element, data, encoding }) => ({
      name: element.name,
      data,
      ...(encoding ? { encoding } : {}),
    })),
    rowGroupSize: groupRows,
    pageSize,
  });
  void parquet.finish();
  return writer.getBytes().slice() as Uint8Array<ArrayBuffer>;
}

let files = 0;
function write(bytes: Uint8Array): string {
  const path = `${folder}/${files++}.parquet`;
  Deno.writeFileSync(path, bytes);
  return path;
}

/** Reads a file as an import does; the rows of all batches, numbered as the file has them. */
async function read(
  bytes: Uint8Array,
  { batchRows = 1_000, assumeUtc = false } = {},
): Promise<RowBatch> {
  const all: RowBatch = { ticks: [], refusals: [] };
  for await (const batch of readBatches(await openSource(write(bytes), { assumeUtc }), batchRows)) {
    assert.ok(batch.rows <= batchRows);
    const body = cut(new TextEncoder().encode(batch.text), [1 << 20]);
    const { ticks, refusals } = await gather(
      parseNdjson(body, { batchRows: 1_000, maxRows: 1e6 }),
    );
    assert.equal(ticks.length + refusals.length, batch.rows);
    all.ticks.push(...ticks.map((tick) => ({ ...tick, line: batch.placeOf(tick.line) })));
    all.refusals.push(...refusals.map((row) => ({ ...row, line: batch.placeOf(row.line) })));
  }
  return all;
}

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await read(bytes);
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.equal(error.code, "malformed_body");
    return error.message;
  }
  throw new Error("It was not refused");
}

const us = Date.UTC(2013, 9, 7, 8) * 1000 + 123_456;
const one = () => ({
  ts: time("MICROS", [BigInt(us)]),
  symbol: text("symbol", ["SPY"]),
  price: double("price", [170.57]),
  size: double("size", [100]),
});
const only = async (columns: Record<string, Column>): Promise<ParsedTick | undefined> =>
  (await read(bytesOf(Object.values(columns)))).ticks[0];

const label = fc.option(fc.string({ unit: fc.constantFrom(..."aP ,\"'é漢😀\uFEFF") }), {
  freq: 3,
}).map((value) => value === null ? null : value.slice(0, 32).toWellFormed());
const row = fc.record({
  us: fc.integer({ min: us, max: us + 5_000_000 }),
  symbol: fc.constantFrom("SPY", "漢字", "\uFEFFQ", "A,B", 'Q"Q'),
  price: fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
  size: fc.oneof(
    fc.integer({ min: 0, max: 1e9 }),
    fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
  ),
  exchange: label,
  side: label,
  trade_id: label,
});

Deno.test("whatever the row groups, pages, batches, encodings and compressions: the same ticks", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 60 }),
      fc.record({
        unit: fc.constantFrom("MICROS" as const, "NANOS" as const),
        groupRows: fc.integer({ min: 1, max: 40 }),
        pageSize: fc.constantFrom(16, 200, 1 << 20),
        batchRows: fc.integer({ min: 1, max: 50 }),
        codec: fc.constantFrom("UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "BROTLI"),
        encoding: fc.constantFrom(undefined, "PLAIN" as const, "RLE_DICTIONARY" as const),
      }),
      async (rows, { unit, groupRows, pageSize, batchRows, codec, encoding }) => {
        const scale = unit === "NANOS" ? 1000n : 1n;
        const columns = [
          text("side", rows.map(({ side }) => side)),
          time(unit, rows.map(({ us }) => BigInt(us) * scale)),
          text("symbol", rows.map(({ symbol }) => symbol)),
          double("price", rows.map(({ price }) => price)),
          double("size", rows.map(({ size }) => size)),
          text("exchange", rows.map(({ exchange }) => exchange)),
          text("trade_id", rows.map(({ trade_id }) => trade_id)),
        ].map((column) => encoding ? { ...column, encoding } : column);
        const bytes = bytesOf(columns, {
          codec: codec as CompressionCodec,
          groupRows,
          pageSize,
        });
        const { ticks, refusals } = await read(bytes, { batchRows });
        assert.deepEqual(refusals, []);
        assert.deepEqual(
          ticks,
          rows.map(({ us, trade_id, ...rest }, at) => ({
            ...rest,
            line: at + 1,
            instrumentId: 0,
            tsUs: us,
            tradeId: trade_id,
          })),
        );
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("times of each unit become microseconds exactly, and text of RFC 3339 too", async () => {
  const kinds: [Column, number][] = [
    [time("MILLIS", [1_381_132_800_123n]), 1_381_132_800_123_000],
    [time("MICROS", [1_381_132_800_123_457n]), 1_381_132_800_123_457],
    [time("NANOS", [1_381_132_800_123_457_999n]), 1_381_132_800_123_457],
    [time("NANOS", [7_258_118_399_999_999_999n]), 7_258_118_399_999_999],
    [
      {
        element: { name: "ts", type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
        data: [1_381_132_800_123n],
      },
      1_381_132_800_123_000,
    ],
    [
      {
        element: { name: "ts", type: "INT64", converted_type: "TIMESTAMP_MICROS" },
        data: [1_381_132_800_123_457n],
      },
      1_381_132_800_123_457,
    ],
    [text("ts", ["2013-10-07T10:00:00.123457+02:00"]), 1_381_132_800_123_457],
  ];
  for (const [ts, expected] of kinds) {
    assert.equal((await only({ ...one(), ts }))?.tsUs, expected, JSON.stringify(ts.element));
  }
});

Deno.test("Spark's INT96 is read as nanoseconds", () => {
  const { ts, ...rest } = one();
  const schema: SchemaElement[] = [{ ...ts.element, type: "INT96", logical_type: undefined }];
  schema.push(...Object.values(rest).map(({ element }) => element));
  const { columns: [column] } = planParquet({
    version: 2,
    schema: [{ name: "root", num_children: 4 }, ...schema],
    num_rows: 0n,
    row_groups: [],
    metadata_length: 0,
  }, { assumeUtc: false });
  assert.equal(column?.toJson(BigInt(us) * 1000n + 999n), `"${formatTimestamp(us)}"`);
});

Deno.test("a time no tick can have is refused as a row, wherever it lies", async () => {
  for (const ts of [-1n, 2n ** 63n - 1n, -(2n ** 63n), null]) {
    for (const unit of ["MILLIS", "MICROS"] as const) {
      const { refusals } = await read(bytesOf(Object.values({ ...one(), ts: time(unit, [ts]) })));
      assert.deepEqual(
        refusals.map(({ path, line }) => [path, line]),
        [["ts", 1]],
        `${ts} ${unit}`,
      );
    }
  }
});

const decimal = (type: SchemaElement["type"], scale: number, length?: number): SchemaElement => ({
  name: "price",
  type,
  ...(length ? { type_length: length } : {}),
  converted_type: "DECIMAL",
  logical_type: { type: "DECIMAL", scale, precision: 18 },
  scale,
  precision: 18,
  repetition_type: "OPTIONAL",
});

Deno.test("decimals become the nearest double, whatever they are stored in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt({ min: 0n, max: 2n ** 31n - 1n }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom("INT32" as const, "INT64" as const, "FIXED_LEN_BYTE_ARRAY" as const),
      async (values, scale, type) => {
        const count = <T>(value: T): T[] => values.map(() => value);
        const element = decimal(type, scale, type === "FIXED_LEN_BYTE_ARRAY" ? 9 : undefined);
        const { ticks } = await read(bytesOf([
          time("MICROS", count(BigInt(us))),
          text("symbol", count("SPY")),
          { element, data: values },
          double("size", count(1)),
        ]));
        assert.deepEqual(
          ticks.map(({ price }) => price),
          values.map((value) => {
            const digits = String(value).padStart(scale + 1, "0");
            const point = digits.length - scale;
            return Number(`${digits.slice(0, point)}.${digits.slice(point)}`);
          }),
        );
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("integers serve as prices, sizes and trade numbers, with all their digits", async () => {
  const tick = await only({
    ...one(),
    price: { element: { name: "price", type: "INT32" }, data: [170] },
    size: {
      element: { name: "size", type: "INT64", converted_type: "UINT_64" },
      data: [2n ** 53n],
    },
    trade_id: { element: { name: "trade_id", type: "INT64" }, data: [9_223_372_036_854_775_807n] },
  });
  assert.deepEqual([tick?.price, tick?.size, tick?.tradeId], [
    170,
    2 ** 53,
    "9223372036854775807",
  ]);
});

Deno.test("a null where a tick needs a value, and a number that is none, spoil only their row", async () => {
  const { ticks, refusals } = await read(bytesOf([
    time("MICROS", [us, us, us, us, us].map(BigInt)),
    text("symbol", ["SPY", null, "SPY", "SPY", "SPY"]),
    double("price", [1, 2, null, NaN, 5]),
    double("size", [1, 2, 3, 4, -Infinity]),
  ]));
  assert.deepEqual(ticks.map(({ line }) => line), [1]);
  assert.deepEqual(refusals.map(({ line, path, reason }) => [line, path, reason]), [
    [2, "symbol", "unparsable"],
    [3, "price", "unparsable"],
    [4, "price", "not_finite"],
    [5, "size", "not_finite"],
  ]);
});

Deno.test("a column that is missing, unknown or of another type is named with what was found", async () => {
  const { symbol: _, ...noSymbol } = one();
  const wrong: [Record<string, Column>, RegExp][] = [
    [noSymbol, /missing: symbol/],
    [{ ...one(), x: text("venue", ["P"]) }, /Unknown column "venue" \(BYTE_ARRAY UTF8\)/],
    [{ ...one(), x: text("Symbol ", ["P"]) }, /Column symbol occurs twice/],
    [
      { ...one(), price: text("price", ["1.5"]) },
      /Column price is BYTE_ARRAY UTF8; it must be a number/,
    ],
    [{ ...one(), symbol: double("symbol", [1]) }, /Column symbol is DOUBLE; it must be text/],
    [
      { ...one(), ts: time("NANOS", [1n], false) },
      /ts is INT64 TIMESTAMP\(NANOS, without a zone\).*--assume-utc/,
    ],
    [
      { ...one(), ts: { element: { name: "ts", type: "INT64" }, data: [1n] } },
      /Column ts is INT64; .*does not say its unit/,
    ],
    [
      {
        ...one(),
        ts: { element: { name: "ts", type: "INT32", converted_type: "DATE" }, data: [1] },
      },
      /Column ts is INT32 DATE/,
    ],
    [
      {
        ...one(),
        size: { ...time("MICROS", [1n]), element: { ...time("MICROS", []).element, name: "size" } },
      },
      /Column size is INT64 TIMESTAMP\(MICROS, UTC\); it must be a number/,
    ],
  ];
  for (const [columns, message] of wrong) {
    assert.match(await refusal(bytesOf(Object.values(columns))), message);
  }
  assert.match(
    await refusal(bytesOf(Object.values(one()), { codec: "LZO" })),
    /Column ts is compressed with LZO; readable: .*ZSTD/,
  );
});

Deno.test("times without a zone are UTC where the caller says so", async () => {
  const bytes = bytesOf(Object.values({ ...one(), ts: time("MICROS", [BigInt(us)], false) }));
  const { ticks } = await read(bytes, { assumeUtc: true });
  assert.equal(ticks[0]?.tsUs, us);
});

Deno.test("text that is not UTF-8 spoils its row, and is not turned into other text", async () => {
  const { ticks, refusals } = await read(bytesOf([
    time("MICROS", [us, us, us].map(BigInt)),
    {
      element: { name: "symbol", type: "BYTE_ARRAY" },
      data: [new Uint8Array([0x41]), new Uint8Array([0xff, 0x41]), new Uint8Array([0x42])],
    },
    double("price", [1, 2, 3]),
    double("size", [1, 2, 3]),
  ]));
  assert.deepEqual(ticks.map(({ symbol }) => symbol), ["A", "B"]);
  assert.deepEqual(refusals.map(({ line, path }) => [line, path]), [[2, "symbol"]]);
  assert.match(refusals[0]?.raw ?? "", /\{"not_utf8":"ff41"\}/);
});

Deno.test("a file cut short anywhere is refused before its first row", async () => {
  const whole = bytesOf(Object.values(one()));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (size) => {
      assert.match(await refusal(whole.subarray(0, size)), /Parquet file is damaged or incomplete/);
    }),
    { numRuns: 200 },
  );
});

Deno.test("damage in the last row group is found before the first row is handed out", async () => {
  const rows = Array.from({ length: 300 }, (_, at) => at);
  const whole = bytesOf([
    time("MICROS", rows.map((at) => BigInt(us + at))),
    text("symbol", rows.map((at) => `S${at}`)),
    double("price", rows),
    double("size", rows),
  ], { groupRows: 100, codec: "GZIP" });
  const file = await openSource(write(whole));
  const seen: number[] = [];
  for await (const batch of readBatches(file, 50)) seen.push(batch.bytesRead);
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6].map((part) => Math.round(file.bytes * part / 6)));
  const { row_groups } = parquetMetadata(whole.buffer);
  const last = row_groups[2]?.columns[1]?.meta_data;
  const from = Number(last?.data_page_offset) + Number(last?.total_compressed_size) - 30;
  const damaged = whole.slice();
  damaged.fill(0, from, from + 20);
  await assert.rejects(async () => {
    for await (const _ of readBatches(await openSource(write(damaged)), 50)) {
      assert.fail("A batch was handed out");
    }
  }, /Cannot read column symbol from row 201 on/);
});

/** A block of LZ4 with the longest copies a greedy search finds: enough of a compressor to test the other way. */
function lz4(input: Uint8Array): Uint8Array {
  const out: number[] = [];
  const long = (length: number) => {
    for (let rest = length - 15; rest >= 0; rest -= 255) out.push(Math.min(rest, 255));
  };
  const emit = (literals: Uint8Array, back = 0, length = 0) => {
    const copied = length - 4;
    out.push(Math.min(literals.length, 15) << 4 | (length ? Math.min(copied, 15) : 0));
    long(literals.length);
    out.push(...literals);
    if (length === 0) return;
    out.push(back & 255, back >> 8);
    long(copied);
  };
  let start = 0;
  for (let at = 0; at < input.length;) {
    let [best, back] = [0, 0];
    for (let from = 0; from < at; from++) {
      let length = 0;
      while (at + length < input.length && input[from + length] === input[at + length]) length++;
      if (length > best) [best, back] = [length, at - from];
    }
    if (best < 4) {
      at++;
      continue;
    }
    emit(input.subarray(start, at), back, best);
    at += best;
    start = at;
  }
  emit(input.subarray(start));
  return new Uint8Array(out);
}

Deno.test("LZ4 blocks come apart into what went in, and damaged ones are refused", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.constantFrom(1, 2), { maxLength: 400 }).map((given) => new Uint8Array(given)),
    fc.integer({ min: 0, max: 700 }).map((length) => new Uint8Array(length).fill(7)),
  );
  fc.assert(fc.property(bytes, (given) => {
    assert.deepEqual(decompressLz4(lz4(given), given.length), given);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(200), (given, size) => {
    try {
      assert.ok(decompressLz4(given, size).length <= size);
    } catch (error) {
      assert.match(String(error), /LZ4/);
    }
  }));
});

/** Written by pyarrow 25 and DuckDB 1.5: 300 rows, a second and three microseconds apart. */
Deno.test("files of pyarrow and DuckDB are read, whatever they choose for times, prices and pages", async () => {
  for (const name of ["pyarrow_lz4", "pyarrow_int96", "duckdb_zstd"]) {
    const { ticks, refusals } = await read(
      Deno.readFileSync(new URL(`../fixtures/${name}.parquet`, import.meta.url)),
    );
    assert.deepEqual(refusals, []);
    assert.equal(ticks.length, 300);
    for (const [at, { price, ...tick }] of ticks.entries()) {
      assert.deepEqual(tick, {
        line: at + 1,
        instrumentId: 0,
        tsUs: 1_381_132_800_123_456 + at * 1_000_003,
        symbol: ["SPY", "IBM", "漢字"][at % 3],
        size: at * 10,
        exchange: at % 4 === 0 ? null : "P",
        side: null,
        tradeId: String(9_007_199_254_740_993n + BigInt(at)),
      }, name);
      assert.ok(Math.abs(price - (100 + at / 100)) < 1e-12, `${name}: ${price}`);
    }
  }
});

/** One to four bytes of a file, changed. */
const damageTo = (whole: Uint8Array) =>
  fc.array(
    fc.tuple(fc.nat(whole.length - 1), fc.nat(255)),
    { minLength: 1, maxLength: 4 },
  ).map((changes) => {
    const bytes = whole.slice();
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });

Deno.test("a damaged file is read or refused, in no time and with no other error", async () => {
  const rows = Array.from({ length: 200 }, (_, at) => at);
  const whole = bytesOf([
    time("MICROS", rows.map((at) => BigInt(us + at))),
    text("symbol", rows.map((at) => `S${at % 5}`)),
    double("price", rows),
    double("size", rows),
  ], { groupRows: 50, pageSize: 100 });
  await fc.assert(
    fc.asyncProperty(damageTo(whole), async (bytes) => {
      try {
        await read(bytes);
      } catch (error) {
        assert.ok(error instanceof HoldfastError, error instanceof Error ? error.stack : "");
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("where the writer left checksums, a page that has changed is refused", async () => {
  const whole = Deno.readFileSync(new URL("../fixtures/pyarrow_int96.parquet", import.meta.url));
  for (const at of [200, 1_000, 2_000, 3_000]) {
    const damaged = whole.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    assert.match(await refusal(damaged), /Cannot read column .* in row group 1: .*checksum/);
  }
});
