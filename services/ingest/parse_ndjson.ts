import { HoldfastError } from "../../errors.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { describeJsonFault } from "./json_fault.ts";
import { readLines } from "./lines.ts";
import {
  type ParsedTick,
  type RawFields,
  readTick,
  type Refusal,
  refuse,
  type RowBatch,
} from "./tick.ts";

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
  { batchRows, maxRows }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  let line = 0;
  let rows = 0;
  for await (const lines of readLines(chunks)) {
    for (const text of lines) {
      line++;
      if (text === "" || text.trim() === "") continue;
      rows++;
      batcher.add(readJsonLine(text, line));
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
