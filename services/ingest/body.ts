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
}

export interface Body {
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** SHA-256 of the bytes as they came; complete once the chunks have been read. */
  fingerprint(): string;
}

async function* readChunks(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  { stallMs, signal }: BodyOptions,
  seen: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let finished = false;
  const stalled = Promise.withResolvers<never>();
  stalled.promise.catch(() => {});
  const brokenOff = (cause: unknown) =>
    new HoldfastError("upload_stalled", "The body broke off before its end", { cause });
  const stop = () => stalled.reject(brokenOff(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () =>
        stalled.reject(
          new HoldfastError("upload_stalled", `No bytes of the body came for ${stallMs / 1000} s`),
        ),
      stallMs,
    );
  };
  try {
    for (;;) {
      restartTimer();
      const { done, value } = await Promise.race([
        reader.read().catch((cause) => {
          throw brokenOff(cause);
        }),
        stalled.promise,
      ]);
      // Time spent storing the chunk is ours, not the sender's.
      clearTimeout(timer);
      if (done) {
        finished = true;
        return;
      }
      seen(value);
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
  const hash = createHash("sha256");
  const empty = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.close(),
  });
  const plain = readChunks(stream ?? empty, options, (chunk) => hash.update(chunk));
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
  return { chunks: bounded(), fingerprint: () => digest ??= hash.digest("hex") };
}
