import { HoldfastError } from "../../../errors.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { lineAt, readBlocks } from "../bytes/blocks.ts";
import { createCsvRowReader, type CsvColumn as Column } from "../bytes/csv_row.ts";
import type { RowReader } from "../bytes/row_reader.ts";
import { ByteScanner } from "../bytes/scanner.ts";
import { type ParsedTick, readTick, type Refusal, refuse, type RowBatch } from "../tick.ts";

const columns = [
  "ts",
  "symbol",
  "price",
  "size",
  "exchange",
  "side",
  "trade_id",
] as const satisfies Column[];
const required: readonly Column[] = ["ts", "symbol", "price", "size"];
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const notFinite = /^[+-]?(nan|inf|infinity)$/i;

/** Splits one record by RFC 4180; undefined when a quote is not closed or stands in the wrong place. */
export function splitRecord(text: string): string[] | undefined {
  if (!text.includes('"')) return text.split(",");
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = "";
      for (at++;; at++) {
        const end = text.indexOf('"', at);
        if (end < 0) return undefined;
        field += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        field += '"';
      }
      fields.push(field);
    } else {
      const comma = text.indexOf(",", at);
      const field = text.slice(at, comma < 0 ? text.length : comma);
      if (field.includes('"')) return undefined;
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return fields;
    if (text[at++] !== ",") return undefined;
  }
}

/** A CSV field as a number, or as something `readTick` will refuse with the right words. */
function numberOf(field: string | undefined): unknown {
  if (field === undefined) return undefined;
  const text = field.trim();
  if (decimal.test(text)) return Number(text);
  return notFinite.test(text) ? NaN : field;
}

type Layout = Record<Column, number>;

function headerError(message: string): HoldfastError {
  return new HoldfastError("malformed_body", message, {
    problems: [{ line: 1, path: "header", message }],
  });
}

function readHeader(text: string): Layout {
  const names = splitRecord(text.trimEnd())?.map((name) => name.trim().toLowerCase()) ?? [];
  const layout = Object.fromEntries(
    columns.map((column) => [column, names.indexOf(column)]),
  ) as Layout;
  const missing = required.filter((column) => layout[column] < 0);
  if (missing.length > 0) {
    throw headerError(`The first line must name the columns; missing: ${missing.join(", ")}`);
  }
  const unknown = names.find((name) => !(columns as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw headerError(
      `Unknown column ${JSON.stringify(unknown.slice(0, 40))}; known: ${columns.join(", ")}`,
    );
  }
  if (new Set(names).size < names.length) throw headerError("A column is named twice");
  return layout;
}

function optional(fields: readonly string[], at: number): string | null {
  return (at < 0 ? "" : fields[at]) || null;
}

function readRecord(
  text: string,
  line: number,
  layout: Layout,
  width: number,
): ParsedTick | Refusal {
  const fields = splitRecord(text);
  if (!fields) {
    return refuse(line, "line", "a quote is not closed or stands in the wrong place", text);
  }
  if (fields.length !== width) {
    return refuse(line, "line", `the line has ${fields.length} fields, the header ${width}`, text);
  }
  return readTick(
    {
      ts: fields[layout.ts],
      symbol: fields[layout.symbol],
      price: numberOf(fields[layout.price]),
      size: numberOf(fields[layout.size]),
      exchange: optional(fields, layout.exchange),
      side: optional(fields, layout.side),
      trade_id: optional(fields, layout.trade_id),
    },
    line,
    () => text,
  );
}

function columnsOf(layout: Layout): Column[] {
  const named = columns.filter((column) => layout[column] >= 0);
  return named.sort((a, b) => layout[a] - layout[b]);
}

/** Parses CSV with a header; columns in any order, a bad line spoils only itself. */
export async function* parseCsv(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows, scanner = new ByteScanner() }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  let layout: Layout | undefined;
  let plain: RowReader | undefined;
  let width = 0;
  let line = 0;
  for await (const block of readBlocks(chunks)) {
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
        if (!layout) {
          layout = readHeader(text);
          const order = columnsOf(layout);
          width = order.length;
          plain = createCsvRowReader(scanner, order);
          continue;
        }
        batcher.add(readRecord(text, line, layout, width));
      }
      if (batcher.full) yield batcher.take();
    }
  }
  if (!layout) throw headerError("The body is empty; the first line must name the columns");
  yield batcher.take();
}
