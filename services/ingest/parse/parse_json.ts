import { type RawFields, readTick, refuse, type RowBatch } from "../tick.ts";
import { createBatcher, type ParseOptions } from "./batches.ts";
import { elementMax, readElements } from "./json_array.ts";

/** Parses a JSON array of ticks; lines are the elements' places, from 1. */
export async function* parseJson(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { batchRows, maxRows }: ParseOptions,
): AsyncGenerator<RowBatch> {
  const batcher = createBatcher({ size: batchRows, maxRows });
  for await (const { place, value, tooLong } of readElements(chunks)) {
    const raw = () => JSON.stringify(value) ?? "";
    batcher.add(
      tooLong
        ? refuse(place, "line", `the element is longer than ${elementMax} bytes`, "")
        : value === null || typeof value !== "object" || Array.isArray(value)
        ? refuse(place, "line", "the element must be an object", raw())
        : readTick(value as RawFields, place, raw),
    );
    if (batcher.full) yield batcher.take();
  }
  yield batcher.take();
}
