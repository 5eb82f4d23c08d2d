import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { codeOf } from "../../../db/errors.ts";
import { HoldfastError } from "../../../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes up to which nobody asks how a body was compressed. */
const freeBytes = 1024 * 1024;
/** Ticks compress five- to thirtyfold; blank lines a thousandfold. */
const expansionMax = 200;
/** A gzip member that holds nothing takes 20 bytes: many of them keep us busy for nothing. */
const shrinkMax = 4;

function refuse(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("malformed_body", `Cannot decompress the body: ${message}`, {
    problems: [{ path: "body", message }],
    cause,
  });
}

/**
 * Decompresses every member of a gzip stream (RFC 1952 §2.2); DecompressionStream takes one only. Throws a HoldfastError
 * where the data is damaged, where it grows more than 200-fold, and where it shrinks to less than a quarter, as endless
 * empty members do.
 */
export async function* gunzip(source: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  let taken = 0;
  let given = 0;
  async function* counted() {
    for await (const chunk of source) {
      taken += chunk.length;
      if (taken > freeBytes && given * shrinkMax < taken - freeBytes) {
        throw refuse("its gzip members hold next to nothing");
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
    throw refuse("gzip data is damaged or cut short", error);
  }
}
