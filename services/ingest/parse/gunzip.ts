import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { codeOf } from "../../../db/errors.ts";
import { HoldfastError } from "../../../errors.ts";

/** Decompresses every member of a gzip stream (RFC 1952 §2.2); DecompressionStream takes one only. */
export async function* gunzip(
  source: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const inflated = pipeline(Readable.from(source), createGunzip(), () => {});
  try {
    yield* inflated as AsyncIterable<Uint8Array<ArrayBuffer>>;
  } catch (error) {
    if (!codeOf(error).startsWith("Z_")) throw error;
    throw new HoldfastError("malformed_body", "Cannot decompress: it is not whole gzip", {
      problems: [{ path: "body", message: "gzip data is damaged or cut short" }],
      cause: error,
    });
  }
}
