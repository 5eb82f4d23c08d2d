import { createHash } from "node:crypto";
import { HoldfastError } from "../../../errors.ts";
import type { Alarms } from "../admission/alarms.ts";
import type { Bytes, ByteSource, SourcedRequest } from "../../../runtime/types.ts";
import { gunzip } from "./gunzip.ts";

export interface BodyOptions {
  gzip: boolean;
  /** Limit of bytes after decompression. */
  maxBytes: number;
  /** Longest pause between two chunks; milliseconds. */
  stallMs: number;
  alarms: Alarms;
  /** Whether `fingerprint` is needed: hashing costs as much as parsing. */
  hashed: boolean;
}

export interface Body {
  chunks: AsyncIterable<Bytes>;
  /** Returns the SHA-256 of the bytes as received; call it when all chunks have been read. */
  fingerprint(): string;
}

/** Returns a stream as a source; null is an empty body. */
function sourceOf(stream: ReadableStream<Bytes> | null): ByteSource {
  const reader = stream?.getReader();
  return {
    next: async () => (await reader?.read())?.value,
    cancel: () => void reader?.cancel().catch(() => {}),
  };
}

/** Returns the body of a request as a source: from the server's own reader, or from the stream. */
export function bodySource(request: Request): ByteSource {
  return "source" in request ? (request as SourcedRequest).source() : sourceOf(request.body);
}

/** Yields the bytes as they arrive, after `see` has seen them; throws when the sender disconnects. */
async function* readChunks(
  source: ByteSource,
  { stallMs, alarms }: BodyOptions,
  see: (chunk: Bytes) => void,
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
      // Only while waiting: the time to store a chunk does not count against the sender.
      const cancel = alarms.set(stallMs, stalled);
      const chunk = await source.next().catch((cause) => {
        throw failure ??
          new HoldfastError(
            "upload_stalled",
            "The body broke off before its end",
            { cause },
          );
      }).finally(cancel);
      if (failure) throw failure;
      if (!chunk) {
        finished = true;
        return;
      }
      see(chunk);
      yield chunk;
    }
  } finally {
    if (!finished) source.cancel();
  }
}

/** Reads a request body chunk by chunk, decompressed and within its limits, in constant memory. */
export function readBody(
  source: ByteSource,
  options: BodyOptions,
): Body {
  const hash = options.hashed ? createHash("sha256") : undefined;
  let total = 0;
  const count = (chunk: Bytes) => {
    total += chunk.length;
    if (total <= options.maxBytes) return;
    const message = `The body is larger than ${options.maxBytes} bytes`;
    throw new HoldfastError("body_too_large", message);
  };
  // In passing and not in generators of their own, whose cost shows in small bodies.
  const received = readChunks(source, options, (chunk) => {
    hash?.update(chunk);
    if (!options.gzip) count(chunk);
  });
  async function* unpacked() {
    for await (const chunk of gunzip(received)) {
      count(chunk);
      yield chunk;
    }
  }
  let digest: string | undefined;
  return {
    chunks: options.gzip ? unpacked() : received,
    fingerprint: () => digest ??= hash?.digest("hex") ?? "",
  };
}
