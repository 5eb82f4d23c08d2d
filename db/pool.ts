import { HoldfastError } from "../errors.ts";
import type { ConnectOptions, Sql } from "./connection.ts";
import { describeDatabaseError, toHoldfastError } from "./errors.ts";
import { createSeat, type Seat } from "./seat.ts";
import { inTransaction } from "./transaction.ts";
import { createTurnstile } from "./turnstile.ts";

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
  /** Longest it waits for a connection, where that is shorter; milliseconds. */
  waitMs?: number;
}

export interface Pool {
  /** Runs `work` on a connection held for it alone. */
  run<T>(work: (sql: Sql) => Promise<T>, options?: RunOptions): Promise<T>;
  /** The same inside one transaction. */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: RunOptions): Promise<T>;
  stats(): PoolStats;
  /** Makes all work that begins from now on run in new sessions, which have the server's present defaults. */
  renew(): void;
  end(): Promise<void>;
}

/** Whether a pooler in transaction mode stands before the server: found out by one pool, known to all. */
export interface PoolerMode {
  pooled: boolean;
}

/** Beyond statement_timeout, in which the server itself would have given up and said so. */
const graceMs = 2_000;

/**
 * A pool with a bounded queue, measured waits and deadlines. A deadline that passes without a word from the server
 * means a dead link: its connection is dropped, so that stuck ones cannot fill the pool.
 */
export function createPool(
  options: Omit<ConnectOptions, "max" | "onClose" | "pooled"> & {
    max: number;
    waitingMax: number;
    pooler: PoolerMode;
    now?: () => number;
  },
): Pool {
  const { max, waitingMax, pooler, now = () => performance.now(), ...connect } = options;
  const seats = Array.from(
    { length: max },
    () => createSeat(() => ({ ...connect, pooled: pooler.pooled })),
  );
  const turnstile = createTurnstile(seats, { waitingMax, what: "a database connection", now });

  /** PgBouncer refuses timeouts as startup parameters, and says so at the first connection. */
  async function useSeat<T>(seat: Seat, work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await seat.use(work);
    } catch (error) {
      if (!/unsupported startup parameter/.test(describeDatabaseError(error))) throw error;
      pooler.pooled = true;
      seat.replace();
      return await seat.use(work);
    }
  }

  async function run<T>(
    work: (sql: Sql) => Promise<T>,
    { deadlineMs = connect.statementTimeoutMs + graceMs, waitMs = deadlineMs }: RunOptions = {},
  ): Promise<T> {
    const started = now();
    const seat = await turnstile.acquire(Math.min(waitMs, deadlineMs));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const working = useSeat(seat, work);
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        seat.replace();
        reject(
          new HoldfastError("deadline_exceeded", "The database did not answer in time", {
            retryAfterSeconds: 2,
          }),
        );
      }, Math.max(1, deadlineMs - (now() - started)));
    });
    try {
      return await Promise.race([working, late]);
    } catch (error) {
      throw toHoldfastError(error);
    } finally {
      clearTimeout(timer);
      // After a deadline the work is still ending; its connection is gone, and its seat must wait for it.
      working.catch(() => {}).finally(() => turnstile.release(seat));
    }
  }

  return {
    run,
    transaction: (work, runOptions) => run((sql) => inTransaction(sql, work), runOptions),
    stats() {
      const { free, waiting, waitMs } = turnstile.stats();
      return {
        size: max,
        active: max - free,
        idle: free,
        waiting,
        utilization: (max - free) / max,
        acquire_wait_ms: waitMs,
      };
    },
    renew: () => seats.forEach((seat) => seat.renew()),
    async end() {
      turnstile.close();
      await Promise.all(seats.map((seat) => seat.end()));
    },
  };
}
