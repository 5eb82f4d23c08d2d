import { HoldfastError, messageOf } from "../../errors.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { type RawFields, readTick, refuse, type RowBatch } from "./tick.ts";

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

/** The line of a syntax error: V8 names the position in the text, JavaScriptCore nothing. */
function lineOfError(error: unknown, text: string): number {
  const position = /position (\d+)/.exec(messageOf(error))?.[1];
  const before = position === undefined ? text : text.slice(0, Number(position));
  return before.split("\n").length;
}

function parseArray(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const line = lineOfError(error, text);
    const message = text.trim() === "" ? "the body is empty" : "the body is not JSON";
    throw new HoldfastError("malformed_body", `Cannot parse line ${line}: ${message}`, {
      problems: [{ line, path: "body", message }],
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
