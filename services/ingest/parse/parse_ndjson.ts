import { HoldfastError } from "../../../errors.ts";
import { lineAt, readBlocks } from "./bytes/blocks.ts";
import { createJsonRowReader } from "./bytes/json_row.ts";
import { ByteScanner } from "./bytes/scanner.ts";
import { createObjectMapper, parseKeepingDigits } from "./mapping/objects.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { describeJsonFault } from "./json_fault.ts";
import { withLineFeeds } from "./line_ends.ts";
import {
  type ParsedTick,
  type RawFields,
  readTick,
  type Refusal,
  refuse,
  type RowBatch,
} from "../tick.ts";

type ReadObject = (value: object, line: number, text: string) => ParsedTick | Refusal;

const ownObject: ReadObject = (value, line, text) => readTick(value as RawFields, line, () => text);

/** Reads one line of NDJSON. */
export function readJsonLine(
  text: string,
  line: number,
  parse: (text: string) => unknown = JSON.parse,
  read: ReadObject = ownObject,
): ParsedTick | Refusal {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    const { field, words, notFinite } = describeJsonFault(text);
    const reason = notFinite ? "not_finite" : "unparsable";
    return refuse(line, field ?? "line", `the line is not JSON: ${words}`, text, reason);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return refuse(line, "line", "the line must be a JSON object", text);
  }
  return read(value, line, text);
}

/** Parses newline-delimited JSON; a bad line is refused alone, blank lines are skipped. */
export async function* parseNdjson(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows, scanner = new ByteScanner(), mapping, nowMs = Date.now() }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  const plain = mapping ? undefined : createJsonRowReader(scanner);
  const mapped = mapping && createObjectMapper(mapping, nowMs * 1000);
  let line = 0;
  let rows = 0;
  for await (const block of readBlocks(withLineFeeds(chunks))) {
    for (let at = 0; at < block.length;) {
      line++;
      let row: ParsedTick | Refusal | undefined = plain?.read(block, at, line);
      if (plain && row) at = plain.next;
      else {
        const { text, next } = lineAt(block, at, line);
        const bytes = next - at;
        at = next;
        if (text === "" || text.trim() === "") {
          batcher.skip(line, bytes);
          continue;
        }
        row = mapped
          ? readJsonLine(text, line, parseKeepingDigits, mapped)
          : readJsonLine(text, line);
      }
      rows++;
      batcher.add(row);
      if (batcher.full) yield batcher.take();
    }
  }
  if (rows === 0) {
    throw new HoldfastError("malformed_body", "The body is empty", {
      problems: [{ line: 1, path: "body", message: "the body is empty" }],
    });
  }
  yield batcher.take();
}
