import { createObjectMapper, parseKeepingDigits } from "./mapping/objects.ts";
import { type RawFields, readTick, refuse, type RowBatch } from "../tick.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { elementMax, readElements } from "./json_array.ts";

/** Parses a JSON array of ticks; the line of a tick is its place, from 1. */
export async function* parseJson(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows, mapping, nowMs = Date.now() }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  const mapped = mapping && createObjectMapper(mapping, nowMs * 1000);
  const elements = readElements(chunks, mapping ? parseKeepingDigits : JSON.parse);
  for await (const { place, value, tooLong } of elements) {
    const raw = () => JSON.stringify(value) ?? "";
    batcher.add(
      tooLong
        ? refuse(place, "line", `the element is longer than ${elementMax} bytes`, "")
        : value === null || typeof value !== "object" || Array.isArray(value)
        ? refuse(place, "line", "the element must be an object", raw())
        : mapped
        ? mapped(value, place)
        : readTick(value as RawFields, place, raw),
    );
    if (batcher.full) yield batcher.take();
  }
  yield batcher.take();
}
