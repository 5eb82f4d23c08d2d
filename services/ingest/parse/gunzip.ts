import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { codeOf } from "../../../db/errors.ts";
import { HoldfastError } from "../../../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The ratio is not checked up to this many bytes. */
const freeBytes = 1024 * 1024;
/** Ticks compress five- to thirtyfold; blank lines a thousandfold. */
const expansionMax = 200;
/** An empty gzip member takes 20 bytes; a body of many of them would only waste CPU time. */
const shrinkMax = 4;

function refuse(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("malformed_body", `Cannot decompress the body: ${message}`, {
    problems: [{ path: "body", message }],
    cause,
  });
}

/**
 * Decompresses every member of a gzip stream (RFC 1952 §2.2); DecompressionStream reads only one. Throws a HoldfastError
 * when the data is damaged, when it grows more than 200-fold, and when it shrinks to less than a quarter, as many empty
 * members do.
 */
export async function* gunzip(source: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  let taken = 0;
  let given = 0;
  async function* counted() {
    for await (const chunk of source) {
      taken += chunk.length;
      if (taken > freeBytes && given * shrinkMax < taken - freeBytes) {
        throw refuse("its gzip members are almost empty");
      }
      yield chunk;
    }
  }
  const inflated = pipeline(Readable.from(counted()), createGunzip(), () => {});
  try {
    for await (const chunk of inflated as AsyncIterable<Bytes>) {
      given += chunk.length;
      if (given > freeBytes && given > taken * expansionMax) {
        throw refuse(`it grows more than ${expansionMax}-fold`);
      }
      yield chunk;
    }
  } catch (error) {
    if (!codeOf(error).startsWith("Z_")) throw error;
    throw refuse("gzip data is damaged or incomplete", error);
  }
}
