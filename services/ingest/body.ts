import { createHash } from "node:crypto";
import { HoldfastError } from "../../errors.ts";
import { gunzip } from "./gunzip.ts";

export interface BodyOptions {
  gzip: boolean;
  /** Bytes after decompression. */
  maxBytes: number;
  /** Longest pause between two chunks. */
  stallMs: number;
  signal: AbortSignal;
  /** Told how many bytes have come, decompressed; throws to refuse more. */
  onBytes?: (total: number) => void;
  /** Whether `fingerprint` will be asked for: hashing costs as much as parsing. */
  hashed: boolean;
}

export interface Body {
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** SHA-256 of the bytes as they came; complete once the chunks have been read. */
  fingerprint(): string;
}

/**
 * The bytes as they come. One timer is set for each wait; what stops the reading cancels the reader, which ends
 * the wait: a race against one long-lived promise would keep a reaction for every chunk until the end.
 */
async function* readChunks(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  { stallMs, signal }: BodyOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  let failure: HoldfastError | undefined;
  let finished = false;
  const fail = (error: HoldfastError) => {
    failure ??= error;
    reader.cancel().catch(() => {});
  };
  const brokenOff = (cause: unknown) =>
    new HoldfastError("upload_stalled", "The body broke off before its end", { cause });
  const stop = () => fail(brokenOff(signal.reason));
  const stalled = () =>
    fail(new HoldfastError("upload_stalled", `No bytes of the body came for ${stallMs / 1000} s`));
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      // Only while waiting: time spent storing the chunk is ours, not the sender's.
      timer = setTimeout(stalled, stallMs);
      const { done, value } = await reader.read().catch((cause) => {
        throw failure ?? brokenOff(cause);
      });
      clearTimeout(timer);
      if (failure) throw failure;
      if (done) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    if (!finished) reader.cancel().catch(() => {});
  }
}

/** Reads a request body chunk by chunk, decompressed, within its limits; memory use does not grow with it. */
export function readBody(
  stream: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  options: BodyOptions,
): Body {
  const hash = options.hashed ? createHash("sha256") : undefined;
  const empty = new ReadableStream<Uint8Array<ArrayBuffer>>({
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
