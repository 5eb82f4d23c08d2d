import { type Exchange, StorageError } from "./request.ts";

/** A download ends when nothing arrives for this long. */
const silenceMs = 60_000;
/** How often in a row a download may break without bringing a byte. */
const breaksMax = 4;

async function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new StorageError(`The storage sent nothing for ${silenceMs / 1000} s`, {
            retryable: true,
          }),
        ),
      silenceMs,
    );
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Requests an object from byte `at` on; `tag` makes sure that it is the same object. */
async function openAt(
  exchange: Exchange,
  { key, at, tag, signal }: {
    key: string;
    at: number;
    tag: string | null;
    signal: AbortSignal | undefined;
  },
): Promise<Response> {
  const headers: Record<string, string> = at === 0
    ? {}
    : { range: `bytes=${at}-`, ...(tag ? { "if-match": tag } : {}) };
  const answer = await exchange(
    { method: "GET", key, headers, signal },
    (answer) => Promise.resolve(answer),
  );
  if (at === 0 || answer.status === 206) return answer;
  await answer.body?.cancel();
  throw new StorageError(
    `The storage cannot continue the interrupted download of ${key} (${answer.status}, not 206)`,
    { retryable: false },
  );
}

/** Yields the bytes of an object as they come; an interrupted download continues where it broke off. */
export async function* download(
  exchange: Exchange,
  key: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  let tag: string | null = null;
  for (let breaks = 0;;) {
    const answer = await openAt(exchange, { key, at, tag, signal });
    const total = at + Number(answer.headers.get("content-length"));
    tag ??= answer.headers.get("etag");
    const reader = answer.body?.getReader();
    try {
      for (;;) {
        signal?.throwIfAborted();
        const chunk = reader ? await readChunk(reader) : undefined;
        if (!chunk || chunk.done) break;
        at += chunk.value.length;
        breaks = 0;
        yield chunk.value;
      }
      if (at < total) throw new StorageError(`${key} ended early`, { retryable: true });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (++breaks > breaksMax) throw error;
    } finally {
      await reader?.cancel().catch(() => {});
    }
  }
}
