import assert from "node:assert/strict";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { HoldfastError } from "../../errors.ts";
import { decompressHadoopLz4 } from "../../services/transfer/import/decompress.ts";
import { readingOf } from "../../services/transfer/import/parquet_types.ts";
import { prepareFile } from "../../services/transfer/import/prepare.ts";
import { openSource } from "../../services/transfer/import/source.ts";
import {
  isOwnForm,
  readMappingOptions,
  type WrittenOptions,
} from "../../services/ingest/parse/mapping/options.ts";
import { parseNdjson } from "../../services/ingest/parse/parse_ndjson.ts";
import type { RowBatch } from "../../services/ingest/tick.ts";
import { cut, gather } from "../helpers/ticks.ts";

let folder: string;
Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-writers-" });
});
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/**
 * Files of pyarrow 25 by pandas, of polars (nodejs-polars 0.26.1), of the Parquet writer of Arrow in Rust (parquet-wasm
 * 0.8.0, from apache-arrow 21.2.0) and of DuckDB 1.5.6.
 */
const fixture = (name: string) =>
  new URL(`../fixtures/parquet/${name}.parquet`, import.meta.url).pathname;

interface Options {
  assumeUtc?: boolean;
  mapping?: WrittenOptions;
}

/** Reads a file as an import does. */
async function read(
  path: string,
  options: Options = {},
): Promise<RowBatch & { leftOut: readonly string[] }> {
  const prepared = await prepareFile(await openSource(path, options));
  const all: RowBatch = { ticks: [], refusals: [] };
  const mapping = isOwnForm(prepared.mapping) ? undefined : readMappingOptions(prepared.mapping);
  for await (const batch of prepared.batches(200)) {
    const body = cut(new TextEncoder().encode(batch.text), [1 << 20]);
    const { ticks, refusals } = await gather(
      parseNdjson(body, { batchRows: 1_000, maxRows: 1e6, mapping }),
    );
    all.ticks.push(...ticks.map((tick) => ({ ...tick, line: batch.placeOf(tick.line) })));
    all.refusals.push(...refusals);
  }
  return { ...all, leftOut: prepared.leftOut };
}

async function refusal(path: string, options: Options = {}): Promise<string> {
  try {
    await read(path, options);
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    return error.message;
  }
  throw new Error("It was not refused");
}

interface Expected {
  /** Microseconds that the writer's type does not keep. */
  perUs?: number;
  price?: (row: number) => number;
  size?: (row: number) => number;
  exchange?: (row: number) => string | null;
  tradeId?: (row: number) => string | null;
  side?: (row: number) => string | null;
}

/** 300 rows, a second and three microseconds apart, of three symbols. */
async function checkTicks(name: string, options: Options, expected: Expected): Promise<void> {
  const { ticks, refusals } = await read(fixture(name), options);
  assert.deepEqual(refusals, [], name);
  assert.equal(ticks.length, 300, name);
  const {
    perUs = 1,
    price = (row) => 100 + row / 100,
    size = (row) => row * 10,
    exchange = (row) => row % 4 === 0 ? null : "P",
    tradeId = () => null,
    side = () => null,
  } = expected;
  for (const [row, tick] of ticks.entries()) {
    assert.deepEqual(tick, {
      line: row + 1,
      instrumentId: 0,
      tsUs: Math.floor((1_381_132_800_123_456 + row * 1_000_003) / perUs) * perUs,
      symbol: ["SPY", "IBM", "漢字"][row % 3],
      price: price(row),
      size: size(row),
      exchange: exchange(row),
      side: side(row),
      tradeId: tradeId(row),
    }, name);
  }
}

const utc = { assumeUtc: true };

Deno.test("polars: categories that no row has, columns of nulls, a frame without rows", async () => {
  await checkTicks("polars_categories", utc, {});
  assert.match(await refusal(fixture("polars_categories")), /which moments these are is a guess/);
  await checkTicks("polars_nulls", utc, { price: (row) => Math.fround(100 + row / 100) });
  assert.deepEqual((await read(fixture("polars_empty"), utc)).ticks, []);
});

Deno.test("Arrow: dictionaries larger than their row group, nulls without a type, version 2 and its encodings", async () => {
  await checkTicks("arrow_rs_dictionary", {}, {
    tradeId: (row) => String(9_007_199_254_740_993n + BigInt(row)),
  });
  await checkTicks("arrow_rs_v2_delta", {}, {});
  await checkTicks("arrow_rs_v2_dictionary", {}, { size: () => 7, exchange: () => "P" });
  await checkTicks("arrow_rs_half", {}, { price: (row) => row / 4, exchange: () => null });
});

Deno.test("times by a clock without a zone are read where the zone is said, and pandas' index is left out", async () => {
  const local = { perUs: 1000, size: (row: number) => row * 10 % 250, exchange: () => null };
  await checkTicks("arrow_rs_local_ms", utc, local);
  await checkTicks("arrow_rs_local_ms", { mapping: { time_zone: "UTC" } }, local);
  const { ticks, leftOut } = await read(fixture("arrow_rs_local_ms"), {
    mapping: { time_zone: "America/New_York" },
  });
  assert.equal(ticks[0]?.tsUs, 1_381_132_800_123_000 + 4 * 3_600_000_000);
  assert.deepEqual(leftOut, ["__index_level_0__"]);
});

Deno.test("columns of other names, a date and a time of day, booleans: by saying which is which", async () => {
  const columns = "ts=date+time,symbol=ticker,price=px,size=qty,buyer_is_maker=is_buyer_maker";
  const mapping = { columns, time_zone: "UTC", exchange: "X" };
  await checkTicks("arrow_rs_date_time", { mapping }, {
    exchange: () => "X",
    side: (row) => row % 2 === 0 ? "sell" : "buy",
  });
  assert.match(await refusal(fixture("arrow_rs_date_time")), /missing: ts, symbol, price, size/);
  assert.match(
    await refusal(fixture("arrow_rs_date_time"), {
      mapping: { ...mapping, columns: columns.replace("date+time", "date") },
    }),
    /Column date is INT32 DATE; .*joined by --columns ts=DATE\+TIME/,
  );
});

Deno.test("DuckDB: enums, a column of nulls that has a type, decimals, nested columns, whole numbers as times", async () => {
  await checkTicks("duckdb_enum", {}, {});
  await checkTicks("duckdb_v2", { assumeUtc: true, mapping: { ignore_unknown: "true" } }, {});
  assert.match(await refusal(fixture("duckdb_v2"), utc), /Unknown column "n"/);
  await checkTicks("duckdb_nested", { mapping: { ignore_unknown: "true" } }, {});
  assert.match(await refusal(fixture("duckdb_nested")), /Unknown column "extra" \(a group\)/);
  const integers = { perUs: 1000, exchange: () => null };
  await checkTicks("duckdb_integers", { mapping: { time_unit: "ms" } }, integers);
  assert.match(await refusal(fixture("duckdb_integers")), /Column ts is INT64.*say --time-unit/);
  const { refusals } = await read(fixture("duckdb_integers"), { mapping: { time_unit: "s" } });
  assert.equal(refusals.length, 300);
  assert.match(refusals[0]?.message ?? "", /did you mean ms\?/);
});

Deno.test("an encrypted file is refused as what it is", async () => {
  assert.match(
    await refusal(fixture("duckdb_encrypted")),
    /^The file is encrypted; encrypted files cannot be read$/,
  );
});

Deno.test("pandas: category columns of any size", async () => {
  for (const [name, rows] of [["cat_ok", 4], ["cat_unused", 4], ["cat_rowgroups", 600]] as const) {
    const { ticks, refusals } = await read(fixture(`pyarrow_${name}`));
    assert.deepEqual([ticks.length, refusals.length], [rows, 0], name);
    if (name !== "cat_rowgroups") continue;
    for (const [row, { symbol, price }] of ticks.entries()) {
      assert.equal(symbol, `RG${String(row % 300).padStart(3, "0")}`);
      assert.equal(price, row + 0.5);
    }
  }
});

type Data = (string | number | bigint | null | Uint8Array)[];

/** Writes columns as Parquet; row groups of two rows. */
function write(columns: { element: SchemaElement; data: Data }[], groupRows = 2): string {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: "root", num_children: columns.length }, ...columns.map((one) => one.element)],
  });
  if (columns[0]?.data.length) {
    void parquet.write({
      columnData: columns.map(({ element, data }) => ({ name: element.name, data })),
      rowGroupSize: groupRows,
    });
  }
  void parquet.finish();
  const path = `${folder}/${crypto.randomUUID()}.parquet`;
  Deno.writeFileSync(path, writer.getBytes().slice());
  return path;
}

const at = 1_381_132_800_123_456n;
const column = (name: string, element: Omit<SchemaElement, "name">, data: Data) => ({
  element: { repetition_type: "OPTIONAL" as const, ...element, name },
  data,
});
const plainColumns = (rows: number) => {
  const many = <T>(value: T) => Array.from({ length: rows }, () => value);
  return {
    ts: column("ts", { type: "INT64", converted_type: "TIMESTAMP_MICROS" }, many(at)),
    symbol: column("symbol", { type: "BYTE_ARRAY", converted_type: "UTF8" }, many("SPY")),
    price: column("price", { type: "DOUBLE" }, many(1.5)),
    size: column("size", { type: "INT32" }, many(2)),
  };
};

Deno.test("decimals in bytes of any length, as Spark and Avro write them, keep their sign and scale", () => {
  const options = { assumeUtc: false, hasZone: false, hasUnit: false };
  const decimal = (scale: number): SchemaElement => ({
    name: "price",
    type: "BYTE_ARRAY",
    converted_type: "DECIMAL",
    scale,
    precision: 20,
  });
  const valueOf = (scale: number, ...bytes: number[]) => {
    const reading = readingOf("price", decimal(scale), options, undefined);
    assert.ok(reading.plain);
    return JSON.parse(reading.toJson(new Uint8Array(bytes)));
  };
  assert.equal(valueOf(2, 1), 0.01);
  assert.equal(valueOf(2, 0x42, 0xa1), 170.57);
  assert.equal(valueOf(2, 0, 0, 0, 0x42, 0xa1), 170.57);
  assert.equal(valueOf(2, 0xff), -0.01);
  assert.equal(valueOf(-2, 3), 300);
  const id = readingOf("trade_id", { ...decimal(0), name: "trade_id" }, options, undefined);
  assert.equal(id.toJson(new Uint8Array([0, 0x80, 0, 0, 0, 0, 0, 0, 0])), '"9223372036854775808"');
});

Deno.test("integers of every width and sign, and a column without its type, which pandas writes for nulls", async () => {
  const kinds: [Omit<SchemaElement, "name">, number | bigint, number][] = [
    [{ type: "INT32", converted_type: "INT_8" }, 127, 127],
    [{ type: "INT32", converted_type: "UINT_8" }, 255, 255],
    [{ type: "INT32", converted_type: "INT_16" }, 32_767, 32_767],
    [{ type: "INT32", converted_type: "UINT_16" }, 65_535, 65_535],
    [{ type: "INT32", converted_type: "UINT_32" }, 4_294_967_295, 4_294_967_295],
    [
      { type: "INT64", logical_type: { type: "INTEGER", bitWidth: 64, isSigned: false } },
      2n ** 40n,
      2 ** 40,
    ],
  ];
  for (const [element, stored, size] of kinds) {
    const { ticks } = await read(write(Object.values({
      ...plainColumns(3),
      size: column("size", element, [stored, stored, stored]),
      side: column("side", { type: "INT32", logical_type: { type: "NULL" } }, [null, null, null]),
      exchange: column("exchange", { type: "DOUBLE" }, [null, null, null]),
    })));
    assert.deepEqual(ticks.map((tick) => [tick.size, tick.side, tick.exchange]), [
      [size, null, null],
      [size, null, null],
      [size, null, null],
    ], JSON.stringify(element));
  }
  assert.match(
    await refusal(write(Object.values({
      ...plainColumns(1),
      price: column("price", { type: "INT32", logical_type: { type: "NULL" } }, [null]),
    }))),
    /Column price \(INT32 NULL\) holds only nulls/,
  );
});

Deno.test("a file without row groups is a file without ticks", async () => {
  const { ticks, refusals } = await read(write(Object.values(plainColumns(0))));
  assert.deepEqual([ticks, refusals], [[], []]);
});

Deno.test("LZ4 in the blocks of Hadoop, and bare, as Arrow wrote it once", () => {
  const literals = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    return new Uint8Array([bytes.length << 4, ...bytes]);
  };
  const block = (text: string) => {
    const packed = literals(text);
    return [0, 0, 0, text.length, 0, 0, 0, packed.length, ...packed];
  };
  const decoded = (input: Uint8Array, size: number) =>
    new TextDecoder().decode(decompressHadoopLz4(input, size));
  assert.equal(decoded(new Uint8Array([...block("hold"), ...block("fast")]), 8), "holdfast");
  assert.equal(decoded(literals("holdfast"), 8), "holdfast");
  assert.throws(() => decoded(new Uint8Array([0, 0, 0, 9, 0, 0, 0, 200, 1]), 9), /LZ4/);
});
