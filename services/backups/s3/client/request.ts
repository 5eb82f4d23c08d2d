import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import { HoldfastError } from "../../../../errors.ts";
import { readTag } from "./xml.ts";

/** A folder of a bucket, and the keys to it. Requests address the bucket by path. */
export interface S3Place {
  /** Such as https://s3.example.com, without a slash at its end. */
  endpoint: string;
  bucket: string;
  /** Folder in the bucket: empty, or with a slash at its end. */
  prefix: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Attempts per request, and the wait before the second; each further wait is twice as long. */
export interface Retries {
  attempts: number;
  firstWaitMs: number;
}

const defaultRetries: Retries = { attempts: 4, firstWaitMs: 500 };

export interface StorageRequest {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the prefix; undefined: the bucket itself. */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** Longest that an attempt may take beside the transfer of the body, in milliseconds; 30 s by default. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/** The storage refused a request, or could not be reached. The message holds no access key and no secret. */
export class StorageError extends HoldfastError {
  readonly status: number | undefined;
  /** Whether another attempt may succeed. */
  readonly retryable: boolean;

  constructor(message: string, { status, retryable }: { status?: number; retryable: boolean }) {
    super("conflict", message);
    this.name = "StorageError";
    this.status = status;
    this.retryable = retryable;
  }
}

const meanings: Record<string, string> = {
  SignatureDoesNotMatch: "the secret access key is another",
  InvalidAccessKeyId: "the access key is not known there",
  AccessDenied: "the access key may not do this",
  NoSuchBucket: "there is no such bucket",
  NoSuchKey: "there is no such object",
  RequestTimeTooSkewed: "the clock of this machine is wrong",
  PermanentRedirect: "the bucket is in another region or place",
  AuthorizationHeaderMalformed: "the bucket is in another region",
};

/** Codes for requests that were damaged or slow on the way: another attempt may succeed. */
const transientCodes =
  /^(BadDigest|InvalidDigest|XAmzContentSHA256Mismatch|IncompleteBody|RequestTimeout|SlowDown)$/;

/** Describes a refusal. Of the answer's body only the code is used: the rest may repeat what was signed. */
function refusal(ask: StorageRequest, status: number, body: string): StorageError {
  const code = readTag(body, "Code") ?? "";
  const meaning = meanings[code];
  const why = meaning
    ? `${meaning} (${code})`
    : [status || "a redirect", code].filter(Boolean).join(" ");
  return new StorageError(
    `The storage refused ${ask.method} ${ask.key ?? "the list of objects"}: ${why}`,
    {
      status,
      retryable: status >= 500 && status !== 501 || status === 429 || status === 408 ||
        transientCodes.test(code),
    },
  );
}

function unreachable(error: unknown, host: string): StorageError {
  const timedOut = error instanceof DOMException && error.name === "TimeoutError";
  const text = error instanceof Error ? `${error.message} ${error.cause ?? ""}` : "";
  const known = /refused|reset|dns|not known|certificate|unreachable|closed/i.exec(text)?.[0];
  const why = timedOut ? "it does not answer in time" : known?.toLowerCase() ?? "no connection";
  return new StorageError(`The storage at ${host} cannot be reached: ${why}`, { retryable: true });
}

/** Longest that one request may take, in milliseconds; assumes at least 50 kB per second. */
const deadlineMs = ({ body, timeoutMs = 30_000 }: StorageRequest) =>
  timeoutMs + (body?.length ?? 0) / 50;

const emptySha256 = createHash("sha256").digest("hex");

/** Returns the SHA-256 in hex, computed off the event loop. */
async function sha256Of(bytes: Uint8Array<ArrayBuffer> | undefined): Promise<string> {
  if (!bytes) return emptySha256;
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
}

/** Header that stores an object's SHA-256 with it. */
export const shaHeader = "x-amz-meta-sha256";

/** Discards the body of an answer. */
export const drain = async (answer: Response): Promise<void> => void await answer.body?.cancel();

/** Returns the value of a Content-MD5 header; hashes in steps, so that the event loop runs in between. */
export async function contentMd5(bytes: Uint8Array): Promise<string> {
  const step = 1024 * 1024;
  const hash = createHash("md5");
  for (let at = 0; at < bytes.length; at += step) {
    hash.update(bytes.subarray(at, at + step));
    await nextTurn();
  }
  return hash.digest("base64");
}

export type Exchange = <T>(
  ask: StorageRequest,
  read: (answer: Response) => Promise<T>,
) => Promise<T>;

/**
 * Creates a function that sends requests to a storage: each signed with the hash of its body, within a deadline, and
 * retried a bounded number of times. It returns what `read` makes of a successful answer, else throws a StorageError.
 */
export function createExchange(
  { place, retries = defaultRetries, send = fetch }: {
    place: S3Place;
    retries?: Retries;
    send?: typeof fetch;
  },
): Exchange {
  const { endpoint, bucket, prefix, region, accessKeyId, secretAccessKey } = place;
  const cache = new Map<string, ArrayBuffer>();

  async function sign({ method, key, query = {}, headers = {}, body }: StorageRequest) {
    const url = new URL(
      key === undefined ? `${endpoint}/${bucket}` : `${endpoint}/${bucket}/${prefix}${key}`,
    );
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return await new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, "x-amz-content-sha256": await sha256Of(body) },
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      cache,
    }).sign();
  }

  async function once<T>(ask: StorageRequest, read: (answer: Response) => Promise<T>): Promise<T> {
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new DOMException("too late", "TimeoutError")),
      deadlineMs(ask),
    );
    try {
      const { url, headers } = await sign(ask);
      const answer = await send(url, {
        method: ask.method,
        headers,
        ...(ask.body ? { body: ask.body } : {}),
        // A redirect leads to a host that the settings do not name.
        redirect: "manual",
        signal: AbortSignal.any([deadline.signal, ...(ask.signal ? [ask.signal] : [])]),
      });
      if (answer.ok) return await read(answer);
      throw refusal(ask, answer.status, await answer.text());
    } finally {
      clearTimeout(timer);
    }
  }

  return async (ask, read) => {
    for (let attempt = 1;; attempt++) {
      try {
        ask.signal?.throwIfAborted();
        return await once(ask, read);
      } catch (error) {
        ask.signal?.throwIfAborted();
        const failure = error instanceof StorageError
          ? error
          : unreachable(error, new URL(endpoint).host);
        if (!failure.retryable || attempt >= retries.attempts) throw failure;
        const pause = retries.firstWaitMs * 2 ** (attempt - 1);
        await wait(pause, undefined, ask.signal ? { signal: ask.signal } : {}).catch(() => {});
      }
    }
  };
}
