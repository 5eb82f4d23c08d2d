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

const holdsData = (bytes: Uint8Array) => bytes.some((byte) => byte !== 0);

/**
 * Decompresses every member of a gzip stream (RFC 1952 §2.2); DecompressionStream reads only one. Throws a HoldfastError
 * when the data is damaged, when it grows more than 200-fold, when it shrinks to less than a quarter, as many empty members
 * do, and when other data follows it: decompressors end at the zeros that pad it, and would drop what comes after them.
 */
export async function* gunzip(source: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  const chunks = source[Symbol.asyncIterator]();
  const unpacker = createGunzip();
  let taken = 0;
  let given = 0;
  /** The newest chunks, not all of whose bytes were decompressed, and the bytes before them. */
  const recent: Bytes[] = [];
  let before = 0;

  async function take(): Promise<Bytes | undefined> {
    const { done, value } = await chunks.next();
    if (done) return undefined;
    taken += value.length;
    if (taken > freeBytes && given * shrinkMax < taken - freeBytes) {
      throw refuse("its gzip members are almost empty");
    }
    return value;
  }

  async function* packed() {
    for (let chunk = await take(); chunk; chunk = await take()) {
      while (recent[0] && before + recent[0].length <= unpacker.bytesWritten) {
        before += recent.shift()!.length;
      }
      recent.push(chunk);
      yield chunk;
    }
  }

  /** Reads to the end what follows the gzip data. Throws when it is more than zeros. */
  async function checkRest(): Promise<void> {
    let extra = false;
    for (let chunk = await take(); chunk; chunk = await take()) extra ||= holdsData(chunk);
    for (const chunk of recent) {
      extra ||= holdsData(chunk.subarray(Math.max(0, unpacker.bytesWritten - before)));
      before += chunk.length;
    }
    if (extra) throw refuse("other data follows its gzip data");
  }

  const inflated = pipeline(Readable.from(packed()), unpacker, () => {});
  try {
    for await (const chunk of inflated as AsyncIterable<Bytes>) {
      given += chunk.length;
      if (given > freeBytes && given > taken * expansionMax) {
        throw refuse(`it grows more than ${expansionMax}-fold`);
      }
      yield chunk;
    }
    await checkRest();
  } catch (error) {
    if (!codeOf(error).startsWith("Z_")) throw error;
    throw refuse("gzip data is damaged or incomplete", error);
  } finally {
    // Not awaited: a source that waits for its sender ends when that wait does.
    chunks.return?.().catch(() => {});
  }
}
