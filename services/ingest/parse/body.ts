import { createHash } from "node:crypto";
import { HoldfastError } from "../../../errors.ts";
import type { Alarms } from "../admission/alarms.ts";
import type { Bytes, ByteSource, SourcedRequest } from "../../../runtime/types.ts";
import { gunzip } from "./gunzip.ts";

export interface BodyOptions {
  gzip: boolean;
  /** Bytes after decompression. */
  maxBytes: number;
  /** Longest pause between two chunks. */
  stallMs: number;
  alarms: Alarms;
  /** Whether `fingerprint` will be asked for: hashing costs as much as parsing. */
  hashed: boolean;
}

export interface Body {
  chunks: AsyncIterable<Bytes>;
  /** SHA-256 of the bytes as they came; complete once the chunks have been read. */
  fingerprint(): string;
}

/** A stream as a source; no stream is an empty body. */
function sourceOf(stream: ReadableStream<Bytes> | null): ByteSource {
  const reader = stream?.getReader();
  return {
    next: async () => (await reader?.read())?.value,
    cancel: () => void reader?.cancel().catch(() => {}),
  };
}

/** The body of a request as it comes: as its server hands it out, or from its stream. */
export function bodySource(request: Request): ByteSource {
  return "source" in request ? (request as SourcedRequest).source() : sourceOf(request.body);
}

/** The bytes as they come; a sender that goes away breaks them off. */
async function* readChunks(
  source: ByteSource,
  { stallMs, alarms }: BodyOptions,
): AsyncGenerator<Bytes> {
  let failure: HoldfastError | undefined;
  let finished = false;
  const stalled = () => {
    failure ??= new HoldfastError(
      "upload_stalled",
      `No bytes of the body came for ${stallMs / 1000} s`,
    );
    source.cancel(); // ends the wait for the next chunk
  };
  try {
    for (;;) {
      // Only while waiting: time spent storing a chunk is ours, not the sender's.
      const cancel = alarms.set(stallMs, stalled);
      const chunk = await source.next().catch((cause) => {
        throw failure ??
          new HoldfastError("upload_stalled", "The body broke off before its end", { cause });
      }).finally(cancel);
      if (failure) throw failure;
      if (!chunk) {
        finished = true;
        return;
      }
      yield chunk;
    }
  } finally {
    if (!finished) source.cancel();
  }
}

/** Reads a request body chunk by chunk, decompressed, within its limits; memory use does not grow with it. */
export function readBody(
  source: ByteSource,
  options: BodyOptions,
): Body {
  const hash = options.hashed ? createHash("sha256") : undefined;
  const read = readChunks(source, options);
  async function* hashing() {
    for await (const chunk of read) {
      hash?.update(chunk);
      yield chunk;
    }
  }
  const plain = options.hashed ? hashing() : read;
  const unpacked = options.gzip ? gunzip(plain) : plain;

  async function* bounded() {
    let total = 0;
    for await (const chunk of unpacked) {
      total += chunk.length;
      if (total > options.maxBytes) {
        throw new HoldfastError(
          "body_too_large",
          `The body is larger than ${options.maxBytes} bytes`,
        );
      }
      yield chunk;
    }
  }
  let digest: string | undefined;
  return { chunks: bounded(), fingerprint: () => digest ??= hash?.digest("hex") ?? "" };
}
