import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { parseTimestamp } from "../../ingest/timestamp.ts";
import type { ExportedTick } from "./reader.ts";

/** Rows of a row group: enough to compress well, few enough to read at once. */
const groupRows = 100_000;

const text = (name: string, repetition_type: "REQUIRED" | "OPTIONAL"): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  logical_type: { type: "STRING" },
  repetition_type,
});
const double = (name: string): SchemaElement => ({
  name,
  type: "DOUBLE",
  repetition_type: "REQUIRED",
});

const schema: SchemaElement[] = [
  { name: "ticks", num_children: 7 },
  {
    name: "ts",
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
    repetition_type: "REQUIRED",
  },
  text("symbol", "REQUIRED"),
  double("price"),
  double("size"),
  text("exchange", "OPTIONAL"),
  text("side", "OPTIONAL"),
  text("trade_id", "OPTIONAL"),
];

function columnsOf(ticks: readonly ExportedTick[]) {
  return [
    { name: "ts", data: ticks.map(({ ts }) => BigInt(parseTimestamp(ts))) },
    {
      name: "symbol",
      data: ticks.map(({ symbol }) => symbol),
      encoding: "RLE_DICTIONARY" as const,
    },
    { name: "price", data: Float64Array.from(ticks, ({ price }) => price) },
    { name: "size", data: Float64Array.from(ticks, ({ size }) => size) },
    { name: "exchange", data: ticks.map(({ exchange }) => exchange) },
    { name: "side", data: ticks.map(({ side }) => side) },
    { name: "trade_id", data: ticks.map(({ trade_id }) => trade_id) },
  ];
}

/** Writes Parquet (snappy) row group by row group; `ts` is TIMESTAMP in microseconds, UTC. */
export async function* encodeParquet(
  pages: AsyncIterable<ExportedTick[]>,
): AsyncGenerator<Uint8Array> {
  const buffer = new ByteWriter();
  const parquet = new ParquetWriter({ writer: buffer, schema, createdBy: "holdfast" });
  let waiting: ExportedTick[] = [];
  const takeBytes = () => {
    const bytes = buffer.getBytes().slice();
    buffer.index = 0; // its offset in the file is kept
    return bytes;
  };
  const writeGroup = (ticks: ExportedTick[]) => {
    // Asynchronous only if the buffer had a flush().
    void parquet.write({ columnData: columnsOf(ticks), rowGroupSize: groupRows });
    return takeBytes();
  };
  for await (const ticks of pages) {
    waiting = waiting.concat(ticks);
    if (waiting.length < groupRows) continue;
    yield writeGroup(waiting.slice(0, groupRows));
    waiting = waiting.slice(groupRows);
  }
  if (waiting.length > 0) yield writeGroup(waiting);
  void parquet.finish();
  yield takeBytes();
}
