import { HoldfastError } from "../../../errors.ts";
import { lineAt, readBlocks } from "../bytes/blocks.ts";
import { createJsonRowReader } from "../bytes/json_row.ts";
import { ByteScanner } from "../bytes/scanner.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { describeJsonFault } from "./json_fault.ts";
import {
  type ParsedTick,
  type RawFields,
  readTick,
  type Refusal,
  refuse,
  type RowBatch,
} from "../tick.ts";

/** Reads one line of NDJSON. */
export function readJsonLine(text: string, line: number): ParsedTick | Refusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { field, words, notFinite } = describeJsonFault(text);
    const reason = notFinite ? "not_finite" : "unparsable";
    return refuse(line, field ?? "line", `the line is not JSON: ${words}`, text, reason);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return refuse(line, "line", "the line must be a JSON object", text);
  }
  return readTick(value as RawFields, line, () => text);
}

/** Parses newline-delimited JSON; a bad line spoils only itself. Blank lines are passed over. */
export async function* parseNdjson(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows, scanner = new ByteScanner() }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  const plain = createJsonRowReader(scanner);
  let line = 0;
  let rows = 0;
  for await (const block of readBlocks(chunks)) {
    for (let at = 0; at < block.length;) {
      line++;
      let row: ParsedTick | Refusal | undefined = plain.read(block, at, line);
      if (row) at = plain.next;
      else {
        const { text, next } = lineAt(block, at, line);
        const bytes = next - at;
        at = next;
        if (text === "" || text.trim() === "") {
          batcher.skip(line, bytes);
          continue;
        }
        row = readJsonLine(text, line);
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
