import { createHash } from "node:crypto";
import { HoldfastError } from "../../../errors.ts";
import type { Alarms } from "../queue/alarms.ts";
import { gunzip } from "./gunzip.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface BodyOptions {
  gzip: boolean;
  /** Bytes after decompression. */
  maxBytes: number;
  /** Longest pause between two chunks. */
  stallMs: number;
  alarms: Alarms;
  /** Told how many bytes have come, decompressed; throws to refuse more. */
  onBytes?: (total: number) => void;
  /** Whether `fingerprint` will be asked for: hashing costs as much as parsing. */
  hashed: boolean;
}

export interface Body {
  chunks: AsyncIterable<Bytes>;
  /** SHA-256 of the bytes as they came; complete once the chunks have been read. */
  fingerprint(): string;
}

/**
 * The bytes as they come; a sender that goes away breaks them off. The signal of the request would tell no more, and
 * asking for it makes Deno (2.8.3 and later) read ahead without bound, looking for the end of the connection.
 */
async function* readChunks(
  stream: ReadableStream<Bytes>,
  { stallMs, alarms }: BodyOptions,
): AsyncGenerator<Bytes> {
  const reader = stream.getReader();
  let failure: HoldfastError | undefined;
  let finished = false;
  const stalled = () => {
    failure ??= new HoldfastError(
      "upload_stalled",
      `No bytes of the body came for ${stallMs / 1000} s`,
    );
    reader.cancel().catch(() => {}); // ends the wait for the next chunk
  };
  try {
    for (;;) {
      // Only while waiting: time spent storing a chunk is ours, not the sender's.
      const cancel = alarms.set(stallMs, stalled);
      const { done, value } = await reader.read().catch((cause) => {
        throw failure ??
          new HoldfastError("upload_stalled", "The body broke off before its end", { cause });
      }).finally(cancel);
      if (failure) throw failure;
      if (done) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!finished) reader.cancel().catch(() => {});
  }
}

/** Reads a request body chunk by chunk, decompressed, within its limits; memory use does not grow with it. */
export function readBody(
  stream: ReadableStream<Bytes> | null,
  options: BodyOptions,
): Body {
  const hash = options.hashed ? createHash("sha256") : undefined;
  const empty = new ReadableStream<Bytes>({
    start: (controller) => controller.close(),
  });
  const read = readChunks(stream ?? empty, options);
  async function* hashing() {
    for await (const chunk of read) {
      hash?.update(chunk);
      yield chunk;
    }
  }
  const plain = options.hashed ? hashing() : read;
  const source = options.gzip ? gunzip(plain) : plain;

  async function* bounded() {
    let total = 0;
    for await (const chunk of source) {
      total += chunk.length;
      if (total > options.maxBytes) {
        throw new HoldfastError(
          "body_too_large",
          `The body is larger than ${options.maxBytes} bytes`,
        );
      }
      options.onBytes?.(total);
      yield chunk;
    }
  }
  let digest: string | undefined;
  return { chunks: bounded(), fingerprint: () => digest ??= hash?.digest("hex") ?? "" };
}
