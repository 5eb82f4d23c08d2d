import type { Logger } from "../../log.ts";
import { isSafe } from "../auth/scope.ts";

/** One answered request. */
export type AnsweredRequest = {
  request_id: string;
  method: string;
  path: string;
  /** Name of the token that sent it. */
  by: string | undefined;
  address: string | undefined;
  status: number;
  /** From the head of the request to the head of the answer; milliseconds. */
  duration_ms: number;
};

export interface RequestLog {
  record(request: AnsweredRequest): void;
  /** Writes the line about the requests since the line before, if there were any. */
  writeSummary(): void;
}

/** Refused requests that get a line of their own, per summary. The rest is counted. */
const refusedMax = 20;
/** Durations that a summary keeps. Of more, a uniform sample is kept. */
const sampleMax = 1_000;

/** Probes, metrics and files of the pages. */
const isQuiet = (path: string) => /^\/(api\/health|api\/metrics|metrics|assets)(\/|$)/.test(path);
const isUpload = ({ method, path }: AnsweredRequest) => method === "POST" && path === "/api/ticks";

/** Figures of the requests since the last summary. */
class Period {
  readonly #since: number;
  readonly #slowMs: number;
  readonly #random: () => number;
  readonly #durations: number[] = [];
  #worst: AnsweredRequest | undefined;
  count = 0;
  uploads = 0;
  refused = 0;
  failed = 0;
  slow = 0;

  constructor(since: number, slowMs: number, random: () => number) {
    this.#since = since;
    this.#slowMs = slowMs;
    this.#random = random;
  }

  /** Counts a request. Returns whether it gets a line of its own. */
  add(request: AnsweredRequest): boolean {
    this.#addDuration(request);
    const [isTick, isSlow] = [isUpload(request), request.duration_ms >= this.#slowMs];
    if (isTick) this.uploads++;
    if (isSlow) this.slow++;
    if (request.status >= 500) {
      this.failed++;
      return true;
    }
    if (request.status >= 400) return ++this.refused <= refusedMax || isSlow;
    return isSlow || !(isTick || isSafe(request.method));
  }

  /** Keeps a duration; of a long period each with the same chance (Vitter's algorithm R, 1985). */
  #addDuration(request: AnsweredRequest): void {
    const at = this.count < sampleMax ? this.count : Math.floor(this.#random() * (this.count + 1));
    if (at < sampleMax) this.#durations[at] = request.duration_ms;
    this.count++;
    if (!this.#worst || request.duration_ms > this.#worst.duration_ms) this.#worst = request;
  }

  fields(now: number) {
    const sorted = this.#durations.toSorted((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
    return {
      seconds: Math.round((now - this.#since) / 1000),
      count: this.count,
      uploads: this.uploads,
      refused: this.refused,
      failed: this.failed,
      slow: this.slow,
      p50_ms: quantile(0.5),
      p99_ms: quantile(0.99),
      worst_ms: this.#worst?.duration_ms,
      worst: this.#worst && `${this.#worst.method} ${this.#worst.path}`,
    };
  }
}

/**
 * Logs requests: each at debug level; those that failed, took `slowMs` or more, or changed something, and the first
 * refused ones of a period, at info level; and all of a period in one line with counts and times.
 */
export function createRequestLog(
  { log, slowMs, now = () => Date.now(), random = Math.random }: {
    log: Logger;
    slowMs: number;
    now?: () => number;
    random?: () => number;
  },
): RequestLog {
  const begin = () => new Period(now(), slowMs, random);
  let period = begin();

  return {
    record(request) {
      if (isQuiet(request.path) && request.status < 500) return log.debug("request", request);
      log[period.add(request) ? "info" : "debug"]("request", request);
    },
    writeSummary() {
      if (period.count === 0) return;
      log.info("requests", period.fields(now()));
      period = begin();
    },
  };
}
