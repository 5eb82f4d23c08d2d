import { HoldfastError, messageOf } from "../../errors.ts";
import { type FileBatch, hashFile, readBatches, type SourceFile } from "./source.ts";

/** Sends a request to Holdfast: over HTTP, or to the app in this process. */
export type Send = (path: string, init: RequestInit) => Promise<Response>;

export interface ImportProgress {
  file: SourceFile;
  bytesRead: number;
  rows: number;
  stored: number;
  skipped: number;
  quarantined: number;
  /** Rows of batches in which nothing was a tick, and what was said of the first. */
  refused: number;
  refusal: string | undefined;
}

const batchRows = 20_000;
const tries = 40;
const contentTypes = { csv: "text/csv", ndjson: "application/x-ndjson" };

interface Answer {
  accepted: number;
  quarantined: number;
  replayed: boolean;
}

interface Refused {
  refused: string;
}

interface Again {
  retryMs: number;
  why: string;
}

/** The few words of a problem document that tell a person what is wrong. */
function wordsOf(text: string): string {
  try {
    return String(JSON.parse(text).detail ?? text);
  } catch {
    return text.slice(0, 500);
  }
}

async function sendOnce(
  send: Send,
  path: string,
  init: RequestInit,
): Promise<Answer | Refused | Again> {
  let response: Response;
  try {
    response = await send(path, init);
  } catch (error) {
    init.signal?.throwIfAborted();
    return { retryMs: 1_000, why: messageOf(error) };
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const why = wordsOf(text);
  if (response.status === 400) return { refused: why };
  if (![408, 409, 429, 500, 502, 503, 504, 507].includes(response.status)) {
    throw new HoldfastError(
      "malformed_body",
      `Holdfast refused the batch (${response.status}): ${why}`,
    );
  }
  return { retryMs: Number(response.headers.get("retry-after") ?? 1) * 1_000, why };
}

/**
 * Loads one file in batches, in order. Each batch carries a key made of the file's hash and its number, so that an
 * import cut short goes on where it was, and a second import of the same file stores nothing twice.
 */
export async function importFile(
  file: SourceFile,
  { send, onProgress, signal, headers = {} }: {
    send: Send;
    onProgress: (progress: ImportProgress) => void;
    signal: AbortSignal;
    headers?: Record<string, string>;
  },
): Promise<ImportProgress> {
  const hash = await hashFile(file);
  const progress: ImportProgress = {
    file,
    bytesRead: 0,
    rows: 0,
    stored: 0,
    skipped: 0,
    quarantined: 0,
    refused: 0,
    refusal: undefined,
  };

  async function store(batch: FileBatch): Promise<Answer | Refused> {
    let last = "";
    for (let attempt = 0; attempt < tries; attempt++) {
      signal.throwIfAborted();
      const answer = await sendOnce(send, "/api/ticks?create=true&backfill=true", {
        method: "POST",
        headers: {
          ...headers,
          "content-type": contentTypes[file.format],
          "idempotency-key": `import-${hash}-${batchRows}-${batch.index}`,
        },
        body: batch.text,
        signal,
      });
      if ("refused" in answer) return answer;
      // Replayed after a retry: the first try had been stored, only its answer was lost.
      if ("accepted" in answer) return { ...answer, replayed: answer.replayed && attempt === 0 };
      last = answer.why;
      await new Promise((done) => setTimeout(done, answer.retryMs));
    }
    throw new HoldfastError("database_unavailable", `Gave up after ${tries} tries: ${last}`);
  }

  for await (const batch of readBatches(file, batchRows)) {
    const answer = await store(batch);
    progress.bytesRead = batch.bytesRead;
    progress.rows += batch.rows;
    if ("refused" in answer) {
      // A first batch without a tick is the wrong file; later, one bad stretch must not hold up the rest.
      if (batch.index === 0) throw new HoldfastError("malformed_body", answer.refused);
      progress.refused += batch.rows;
      progress.refusal ??= answer.refused;
    } else if (answer.replayed) progress.skipped += answer.accepted + answer.quarantined;
    else {
      progress.stored += answer.accepted;
      progress.quarantined += answer.quarantined;
    }
    onProgress(progress);
  }
  return progress;
}
