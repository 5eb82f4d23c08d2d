import { createHash } from "node:crypto";
import { HoldfastError } from "../../errors.ts";
import { gunzip } from "./gunzip.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface BodyOptions {
  gzip: boolean;
  /** Bytes after decompression. */
  maxBytes: number;
  /** Longest pause between two chunks. */
  stallMs: number;
  signal: AbortSignal;
  /** Whether `fingerprint` will be asked for: hashing costs as much as parsing. */
  hashed: boolean;
}

export interface Body {
  chunks: AsyncIterable<Bytes>;
  /** SHA-256 of the bytes as they came; complete once the chunks have been read. */
  fingerprint(): string;
}

/** The bytes as they come. What stops the reading cancels the reader, which ends the wait for the next chunk. */
async function* readChunks(
  stream: ReadableStream<Bytes>,
  { stallMs, signal }: BodyOptions,
): AsyncGenerator<Bytes> {
  const reader = stream.getReader();
  let failure: HoldfastError | undefined;
  let finished = false;
  let waitingSince: number | undefined;
  const fail = (error: HoldfastError) => {
    failure ??= error;
    reader.cancel().catch(() => {});
  };
  const brokenOff = (cause: unknown) =>
    new HoldfastError("upload_stalled", "The body broke off before its end", { cause });
  const stop = () => fail(brokenOff(signal.reason));
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  // One clock for all the waits. Time spent storing a chunk is ours, not the sender's.
  const watch = setInterval(() => {
    if (waitingSince === undefined || performance.now() - waitingSince < stallMs) return;
    fail(new HoldfastError("upload_stalled", `No bytes of the body came for ${stallMs / 1000} s`));
  }, Math.min(1_000, stallMs / 4));
  try {
    for (;;) {
      waitingSince = performance.now();
      const { done, value } = await reader.read().catch((cause) => {
        throw failure ?? brokenOff(cause);
      });
      waitingSince = undefined;
      if (failure) throw failure;
      if (done) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    clearInterval(watch);
    signal.removeEventListener("abort", stop);
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
      yield chunk;
    }
  }
  let digest: string | undefined;
  return { chunks: bounded(), fingerprint: () => digest ??= hash?.digest("hex") ?? "" };
}
