import { createBatcher, type ParseOptions } from "./batches.ts";
import { lineAt, readBlocks } from "./bytes/blocks.ts";
import { createCsvRowReader } from "./bytes/csv_row.ts";
import type { RowReader } from "./bytes/row_reader.ts";
import { ByteScanner } from "./bytes/scanner.ts";
import { type CsvForm, readCsvForm } from "./mapping/csv_form.ts";
import { headerError } from "./mapping/layout.ts";
import { type MappingOptions, readMappingOptions } from "./mapping/options.ts";
import { splitRecord } from "./mapping/records.ts";
import { createRowMapper, numberOf } from "./mapping/row_mapper.ts";
import { type ParsedTick, readTick, type Refusal, refuse, type RowBatch } from "../tick.ts";
import { withLineFeeds } from "./line_ends.ts";

type ReadRecord = (fields: readonly string[], text: string, line: number) => ParsedTick | Refusal;

const ownForm = readMappingOptions({});

/** Reads records with Holdfast's own columns, in any order. */
function ownRecord({ layout }: CsvForm): ReadRecord {
  const placed = Object.fromEntries(layout.fields.map(({ field, at }) => [field, at[0]]));
  const at = (field: string) => placed[field] ?? -1;
  const [ts, symbol, price, size] = [at("ts"), at("symbol"), at("price"), at("size")];
  const [exchange, side, tradeId] = [at("exchange"), at("side"), at("trade_id")];
  return (fields, text, line) =>
    readTick(
      {
        ts: fields[ts],
        symbol: fields[symbol],
        price: numberOf(fields[price]),
        size: numberOf(fields[size]),
        exchange: fields[exchange] || null,
        side: fields[side] || null,
        trade_id: fields[tradeId] || null,
      },
      line,
      () => text,
    );
}

function mappedRecord(form: CsvForm, mapping: MappingOptions, nowMs: number): ReadRecord {
  const map = createRowMapper(form.layout, mapping, nowMs * 1000);
  return (fields, text, line) => map(fields, line, text);
}

/** Reads one line after the header. */
function createLineReader({ layout, delimiter }: CsvForm, read: ReadRecord) {
  const width = layout.names.length;
  return (text: string, line: number): ParsedTick | Refusal => {
    const fields = splitRecord(text, delimiter);
    if (!fields) {
      return refuse(line, "line", "a quote is not closed or misplaced", text);
    }
    if (fields.length !== width) {
      const message = `the line has ${fields.length} fields, the header ${width}`;
      return refuse(line, "line", message, text);
    }
    return read(fields, text, line);
  };
}

/** Parses CSV by its header or by the options; a bad line is refused alone. */
export async function* parseCsv(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows, scanner = new ByteScanner(), mapping, nowMs = Date.now() }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  let readLine: ((text: string, line: number) => ParsedTick | Refusal) | undefined;
  /** Reads plain lines of Holdfast's own format from the bytes. */
  let plain: RowReader | undefined;
  let line = 0;

  /** Chooses the reader by the first line; returns whether that line is a header. */
  function begin(text: string): boolean {
    const form = readCsvForm(text, mapping ?? ownForm);
    readLine = createLineReader(
      form,
      mapping ? mappedRecord(form, mapping, nowMs) : ownRecord(form),
    );
    if (!mapping && form.delimiter === ",") {
      const places = form.layout.fields.toSorted((a, b) => a.at[0]! - b.at[0]!);
      plain = createCsvRowReader(scanner, places.map(({ field }) => field));
    }
    return form.isHeader;
  }

  for await (const block of readBlocks(withLineFeeds(chunks))) {
    for (let at = 0; at < block.length;) {
      line++;
      const tick = plain?.read(block, at, line);
      if (plain && tick) {
        at = plain.next;
        batcher.add(tick);
      } else {
        const { text: raw, next } = lineAt(block, at, line);
        const bytes = next - at;
        at = next;
        const text = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (text === "") {
          batcher.skip(line, bytes);
          continue;
        }
        if (!readLine && begin(text)) continue;
        if (readLine) batcher.add(readLine(text, line));
      }
      if (batcher.full) yield batcher.take();
    }
  }
  if (!readLine) throw headerError("The body is empty; the first line must name the columns");
  yield batcher.take();
}
