import { HoldfastError, messageOf } from "../errors.ts";
import { connectSql, type ConnectOptions, type ReservedSql, type Sql } from "./connection.ts";
import { toHoldfastError } from "./errors.ts";

/** The pool as seen from its callers: how many connections work, and how long callers wait for one. */
export interface PoolStats {
  size: number;
  active: number;
  idle: number;
  waiting: number;
  /** From 0 to 1. */
  utilization: number;
  acquire_wait_ms: { p50: number; p95: number; p99: number };
}

export interface RunOptions {
  /** Longest the caller waits in all, connection included; milliseconds. */
  deadlineMs?: number;
}

export interface Pool {
  /** Runs `work` on the pool; one statement at a time is expected of it. */
  run<T>(work: (sql: Sql) => Promise<T>, options?: RunOptions): Promise<T>;
  /** Runs `work` inside one transaction on one connection. */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: RunOptions): Promise<T>;
  /** Runs `work` on one connection held for it alone: for COPY and hand-made transactions. */
  reserve<T>(work: (sql: ReservedSql) => Promise<T>, options?: RunOptions): Promise<T>;
  stats(): PoolStats;
  end(): Promise<void>;
}

const waitsKept = 1_024;
const graceMs = 2_000;

/** The value at `quantile` (0 to 1) of sorted numbers; 0 when there are none. */
function quantileOf(sorted: readonly number[], quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
}

/**
 * Wraps a postgres.js client with what it does not offer: a bounded queue, measured waits and deadlines.
 * A deadline that passes without a word from the server means a dead link: the client is replaced, so that
 * stuck connections cannot fill the pool.
 */
export function createPool(
  options: ConnectOptions & { waitingMax: number; now?: () => number },
): Pool {
  const { max, waitingMax, now = () => performance.now() } = options;
  let pooled = options.pooled;
  let client = connectSql({ ...options, pooled });
  let active = 0;
  let ended = false;
  const queue: { grant(): void; refuse(error: HoldfastError): void }[] = [];
  const waits: { at: number; ms: number }[] = [];

  function noteWait(ms: number) {
    waits.push({ at: now(), ms });
    if (waits.length > waitsKept) waits.shift();
  }

  function acquire(deadlineMs: number): Promise<void> {
    if (ended) throw new HoldfastError("shutting_down", "Holdfast is shutting down");
    if (active < max) {
      active++;
      noteWait(0);
      return Promise.resolve();
    }
    if (queue.length >= waitingMax) {
      throw new HoldfastError("overloaded", "Too many requests wait for a database connection", {
        retryAfterSeconds: 1,
      });
    }
    const since = now();
    return new Promise((resolve, reject) => {
      const entry = {
        grant() {
          clearTimeout(timer);
          noteWait(now() - since);
          resolve();
        },
        refuse(error: HoldfastError) {
          clearTimeout(timer);
          noteWait(now() - since);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        const at = queue.indexOf(entry);
        if (at >= 0) queue.splice(at, 1);
        entry.refuse(
          new HoldfastError("overloaded", "No database connection became free in time", {
            retryAfterSeconds: 1,
          }),
        );
      }, deadlineMs);
      queue.push(entry);
    });
  }

  function release() {
    const next = queue.shift();
    if (next) next.grant();
    else active--;
  }

  function replaceClient(stuck: Sql) {
    if (stuck !== client || ended) return;
    client = connectSql({ ...options, pooled });
    stuck.end({ timeout: 0 }).catch(() => {});
  }

  /** PgBouncer refuses timeouts as startup parameters: it says so at the first connection. */
  async function withoutStartupParameters<T>(sql: Sql, work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await work(sql);
    } catch (error) {
      if (pooled && sql === client) throw error;
      if (!/unsupported startup parameter/.test(messageOf(error))) throw error;
      pooled = true;
      replaceClient(sql);
      return await work(client);
    }
  }

  async function withConnection<T>(
    work: (sql: Sql) => Promise<T>,
    { deadlineMs = options.statementTimeoutMs + graceMs }: RunOptions = {},
  ): Promise<T> {
    const started = now();
    await acquire(deadlineMs);
    const sql = client;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const working = withoutStartupParameters(sql, work);
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          replaceClient(sql);
          reject(
            new HoldfastError("deadline_exceeded", "The database did not answer in time", {
              retryAfterSeconds: 2,
            }),
          );
        }, Math.max(1, deadlineMs - (now() - started)));
      });
      return await Promise.race([working, late]);
    } catch (error) {
      throw toHoldfastError(error);
    } finally {
      clearTimeout(timer);
      working.catch(() => {});
      release();
    }
  }

  return {
    run: withConnection,
    transaction: (work, runOptions) =>
      withConnection(
        (sql) => sql.begin((transaction) => work(transaction as unknown as Sql)) as ReturnType<typeof work>,
        runOptions,
      ),
    reserve: (work, runOptions) =>
      withConnection(async (sql) => {
        const reserved = await sql.reserve();
        try {
          return await work(reserved);
        } finally {
          reserved.release();
        }
      }, runOptions),
    stats() {
      const horizon = now() - 60_000;
      const recent = waits.filter((wait) => wait.at >= horizon).map((wait) => wait.ms);
      recent.sort((a, b) => a - b);
      const round = (ms: number) => Math.round(ms * 100) / 100;
      return {
        size: max,
        active,
        idle: max - active,
        waiting: queue.length,
        utilization: active / max,
        acquire_wait_ms: {
          p50: round(quantileOf(recent, 0.5)),
          p95: round(quantileOf(recent, 0.95)),
          p99: round(quantileOf(recent, 0.99)),
        },
      };
    },
    async end() {
      ended = true;
      for (const entry of queue.splice(0)) {
        entry.refuse(new HoldfastError("shutting_down", "Holdfast is shutting down"));
      }
      await client.end({ timeout: 5 }).catch(() => {});
    },
  };
}
