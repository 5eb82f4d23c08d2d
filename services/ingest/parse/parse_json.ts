import { HoldfastError } from "../../../errors.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { describeJsonFault } from "./json_fault.ts";
import { type RawFields, readTick, refuse, type RowBatch } from "../tick.ts";

async function readAll(chunks: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await new Blob(parts).arrayBuffer());
  } catch (cause) {
    throw new HoldfastError("malformed_body", "The body is not UTF-8 text", {
      problems: [{ line: 1, path: "body", message: "not UTF-8" }],
      cause,
    });
  }
}

function parseArray(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { line, field, words } = describeJsonFault(text);
    const message = text.trim() === "" ? "the body is empty" : `the body is not JSON: ${words}`;
    throw new HoldfastError("malformed_body", `Cannot parse line ${line}: ${message}`, {
      problems: [{ line, path: field ?? "body", message }],
    });
  }
  if (!Array.isArray(value)) {
    throw new HoldfastError("malformed_body", "The body must be a JSON array of ticks", {
      problems: [{ line: 1, path: "body", message: "not an array" }],
    });
  }
  return value;
}

/** Parses a JSON array of ticks; lines are the elements' places, from 1. */
export async function* parseJson(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  let line = 0;
  for (const value of parseArray(await readAll(chunks))) {
    line++;
    const raw = () => JSON.stringify(value) ?? "";
    batcher.add(
      value === null || typeof value !== "object" || Array.isArray(value)
        ? refuse(line, "line", "the element must be an object", raw())
        : readTick(value as RawFields, line, raw),
    );
    if (batcher.full) yield batcher.take();
  }
  yield batcher.take();
}
