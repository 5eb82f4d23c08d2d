import { type Live, type LiveOptions, openLive } from "./live.ts";
import { type OperationFacts, operations } from "./operations.ts";
import { HoldfastProblem, problemOf } from "./problem.ts";
import { type AnyInput, prepare, type Prepared, requestOf } from "./request.ts";
import { delay, isWorthRetrying, retryDefaults, type RetryOptions, waitOf } from "./retry.ts";
import type { AnswerOf, Arguments, InputOf, OperationId, PagedId } from "./types.ts";

export interface ClientOptions {
  /** Address of Holdfast, such as `http://127.0.0.1:8000`. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. A browser with a session needs none. */
  token?: string | undefined;
  /** Sent with each request. */
  headers?: Record<string, string>;
  /** Sends a request; the global `fetch` by default. */
  fetch?: (request: Request) => Promise<Response>;
  /** Longest wait for one answer; milliseconds. */
  timeoutMs?: number;
  retry?: RetryOptions;
  /** Aborts every call. */
  signal?: AbortSignal | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Longest wait for one answer; milliseconds. */
  timeoutMs?: number;
  /** Longest time for all attempts and the waits between them; milliseconds. */
  deadlineMs?: number;
  retry?: RetryOptions;
  /** Sent with this request. */
  headers?: Record<string, string>;
}

/** An answer with its status, headers and number of retries. */
export interface Answer<Data> {
  status: number;
  headers: Headers;
  data: Data;
  /** Number of earlier attempts. */
  retries: number;
}

/** A method for each operation of the API, named as in openapi.yaml, and some general methods. */
export type Client =
  & {
    [Id in OperationId]: (
      ...given: Arguments<Id, CallOptions>
    ) => Promise<AnswerOf<Id>>;
  }
  & {
    /** Calls an operation and returns its answer with status, headers and number of retries. */
    send<Id extends OperationId>(
      id: Id,
      ...given: Arguments<Id, CallOptions>
    ): Promise<Answer<AnswerOf<Id>>>;
    /** Yields the pages of a list from `query.cursor` or the first on, and requests the next page while one is used. */
    pages<Id extends PagedId>(
      id: Id,
      ...given: Arguments<Id, CallOptions>
    ): AsyncGenerator<AnswerOf<Id>, void, undefined>;
    /** Opens the live channel, which resumes after each lost connection. */
    live(options?: LiveOptions): Live;
  };

const timeoutMsDefault = 60_000;

function signalOf(
  ms: number | undefined,
  ...others: (AbortSignal | undefined)[]
): AbortSignal {
  const signals = others.filter((one) => one !== undefined);
  return AbortSignal.any(
    ms === undefined ? signals : [...signals, AbortSignal.timeout(ms)],
  );
}

/** Returns the problem of a request without an answer. Throws the reason of the caller's own abort. */
function failureOf(
  error: unknown,
  ended: AbortSignal,
  url: string,
): HoldfastProblem {
  if (ended.aborted) throw ended.reason;
  const timedOut = error instanceof DOMException &&
    error.name === "TimeoutError";
  const detail = error instanceof Error ? error.message : String(error);
  return timedOut
    ? new HoldfastProblem("timeout", `No answer from ${url} in time`, {
      cause: error,
    })
    : new HoldfastProblem("unreachable", `Cannot reach ${url}: ${detail}`, {
      cause: error,
    });
}

function dataOf(headers: Headers, text: string): unknown {
  if (text === "") return undefined;
  return /[/+]json\b/.test(headers.get("content-type") ?? "") ? JSON.parse(text) : text;
}

/** Creates a client. Nothing is sent before the first call. */
export function createClient(
  {
    baseUrl,
    token,
    headers = {},
    fetch: sendRequest,
    timeoutMs,
    retry = {},
    signal,
  }: ClientOptions,
): Client {
  const common: Record<string, string> = {
    ...headers,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const transmit = sendRequest ??
    ((request: Request) => globalThis.fetch(request));

  /** Sends the request once; rejects with a problem. */
  async function attempt(
    { verdicts = [] }: OperationFacts,
    prepared: Prepared,
    ended: AbortSignal,
    ms: number,
  ): Promise<Omit<Answer<unknown>, "retries">> {
    let response: Response;
    let text: string;
    try {
      response = await transmit(requestOf(prepared, signalOf(ms, ended)));
      text = await response.text();
    } catch (error) {
      throw failureOf(error, ended, prepared.url);
    }
    const { status, headers } = response;
    const verdict = verdicts.includes(status) &&
      headers.get("content-type")?.includes("problem") === false;
    if (!response.ok && !verdict) throw problemOf(response, text);
    return { status, headers, data: dataOf(headers, text) };
  }

  async function call(
    facts: OperationFacts,
    input: AnyInput,
    options: CallOptions,
  ): Promise<Answer<unknown>> {
    const policy = { ...retryDefaults, ...retry, ...options.retry };
    const ms = options.timeoutMs ?? timeoutMs ?? timeoutMsDefault;
    const late = options.deadlineMs === undefined
      ? undefined
      : AbortSignal.timeout(options.deadlineMs);
    const ended = signalOf(undefined, signal, options.signal, late);
    const prepared = prepare(facts, input, {
      base: baseUrl,
      headers: { ...common, ...options.headers },
    });
    let last: HoldfastProblem | undefined;
    try {
      for (let retries = 0;; retries++) {
        ended.throwIfAborted();
        try {
          return { ...await attempt(facts, prepared, ended, ms), retries };
        } catch (error) {
          if (!(error instanceof HoldfastProblem)) throw error;
          last = error;
          error.retries = retries;
          const again = retries + 1 < policy.tries &&
            isWorthRetrying(error, prepared.repeatable);
          if (!again) throw error;
          const waitMs = waitOf(retries, error.retryAfterMs, policy);
          policy.onRetry?.({ problem: error, waitMs, tries: retries + 1 });
          await delay(waitMs, ended);
        }
      }
    } catch (error) {
      // A deadline is reported as a problem; the caller's abort keeps its own reason.
      if (
        !late?.aborted || options.signal?.aborted ||
        error instanceof HoldfastProblem
      ) throw error;
      throw last ??
        new HoldfastProblem(
          "timeout",
          `No answer from ${prepared.url} in time`,
        );
    }
  }

  async function* pages<Id extends PagedId>(
    id: Id,
    ...[input = {}, options = {}]: [AnyInput?, CallOptions?]
  ): AsyncGenerator<AnswerOf<Id>, void, undefined> {
    type Page = { next_cursor: string | null };
    const ask = (cursor?: string) => {
      const query = cursor === undefined ? input.query : { ...input.query, cursor };
      const page = call(operations[id], { ...input, query }, options);
      page.catch(() => {}); // awaited below, unless the reader has stopped before
      return page;
    };
    let next: Promise<Answer<unknown>> | undefined = ask();
    while (next) {
      const { data }: Answer<unknown> = await next;
      const { next_cursor } = data as Page;
      next = next_cursor === null ? undefined : ask(next_cursor);
      yield data as AnswerOf<Id>;
    }
  }

  const methods = Object.fromEntries(
    Object.entries(operations).map(([id, facts]) => [
      id,
      async (input: AnyInput = {}, options: CallOptions = {}) =>
        (await call(facts, input, options)).data,
    ]),
  );
  return {
    ...methods,
    send: (id: OperationId, input: AnyInput = {}, options: CallOptions = {}) =>
      call(operations[id], input, options),
    pages,
    live: (options: LiveOptions = {}) =>
      openLive({ baseUrl, headers: common, fetch: transmit }, options),
  } as unknown as Client;
}

export type { AnswerOf, InputOf, Live, LiveOptions, OperationId };
