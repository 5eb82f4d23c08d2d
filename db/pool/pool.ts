import { clientLeft, HoldfastError } from "../../errors.ts";
import { sqlState } from "../sql_state.ts";
import { setDeadline } from "../../lib/deadline.ts";
import type { ConnectOptions, Sql } from "../connection.ts";
import { codeOf, describeDatabaseError, isUnreachable, toHoldfastError } from "../errors.ts";
import {
  createDedicatedConnection,
  type DedicatedConnection,
  SettingsSwallowed,
} from "./dedicated_connection.ts";
import type { Isolation } from "../session/start.ts";
import {
  inPipelinedTransaction,
  inTransaction,
  type PipelinedWork,
} from "../session/transaction.ts";
import { createWaitQueue } from "./wait_queue.ts";

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
  /** Longest the work may take once it has its connection, in place of what the wait has left of `deadlineMs`; milliseconds. */
  workMs?: number;
  /**
   * Ends the wait or the work, and its statement on the server, when it aborts; without one, that of the present request.
   * Null: none, for work that several requests share.
   */
  signal?: AbortSignal | undefined | null;
}

export interface Pool {
  /** Runs `work` on a connection held for it alone. */
  run<T>(work: (sql: Sql) => Promise<T>, options?: RunOptions): Promise<T>;
  /** The same inside one transaction. */
  transaction<T>(
    work: (sql: Sql) => Promise<T>,
    options?: RunOptions & { isolation?: Isolation },
  ): Promise<T>;
  /** The same in fewer round trips. */
  pipelinedTransaction<T>(work: PipelinedWork<T>, options?: RunOptions): Promise<T>;
  stats(): PoolStats;
  /** Makes all work that begins from now on run in new sessions, which have the server's present defaults. */
  renew(): void;
  end(): Promise<void>;
}

/** What stands before the server, and what it refuses: found out by one pool, known to all. */
export interface PoolerMode {
  /** A pooler, whose server sessions are not ours alone. */
  pooled: boolean;
  /** The server refuses settings that it does not know. */
  cautious?: boolean;
  /** The server's version, such as 170004, once a direct session has begun. */
  version?: number;
}

/** Codes of a server that does not know a setting of the startup packet, or does not take its value. */
const settingRefused = new Set([
  sqlState.undefinedObject,
  sqlState.invalidParameterValue,
  sqlState.insufficientPrivilege,
  sqlState.featureNotSupported,
]);
/** PgBouncer's refusal of a startup parameter is a protocol violation; others say it in the same words. */
const poolerRefuses = (error: unknown) =>
  codeOf(error) === sqlState.protocolViolation ||
  /unsupported startup parameter/.test(describeDatabaseError(error));

/** Beyond statement_timeout, in which the server itself would have given up and said so. */
const graceMs = 2_000;

/**
 * Makes a pool with a bounded queue, measured waits and deadlines. When a deadline passes without an answer from the server, the
 * connection counts as broken: the pool drops it, so that stuck connections cannot fill it.
 */
export function createPool(
  options: Omit<ConnectOptions, "max" | "onClose" | "pooled"> & {
    max: number;
    waitingMax: number;
    pooler: PoolerMode;
    /** A connection that no work has used for so long is closed; milliseconds. Without it, none is. */
    idleMs?: number | undefined;
    /** The signal of the present request, for work that ends with it. */
    signal?: (() => AbortSignal | undefined) | undefined;
    now?: () => number;
  },
): Pool {
  const { max, waitingMax, pooler, idleMs, now = () => performance.now(), ...rest } = options;
  const { signal: presentSignal = () => undefined, ...connect } = rest;
  const connections = Array.from(
    { length: max },
    () =>
      createDedicatedConnection(
        () => ({ ...connect, pooled: pooler.pooled, cautious: pooler.cautious }),
        {
          onVersion: (version) => pooler.version = version,
          idleMs,
        },
      ),
  );
  const queue = createWaitQueue(connections, { waitingMax, what: "a database connection", now });

  /** Says whether a session that could not begin may begin in another way; no work was done on it yet. */
  function learnFrom(error: unknown): boolean {
    if (poolerRefuses(error) || error instanceof SettingsSwallowed) pooler.pooled = true;
    else if (settingRefused.has(codeOf(error)) && isUnreachable(error)) pooler.cautious = true;
    else return false;
    return true;
  }

  /** A pooler refuses or swallows settings, which shows at the first connection. */
  async function useConnection<T>(
    connection: DedicatedConnection,
    work: (sql: Sql) => Promise<T>,
    abandonable: boolean,
  ): Promise<T> {
    let begun = false;
    const once = (sql: Sql) => {
      begun = true;
      return work(sql);
    };
    for (let attempt = 1;; attempt++) {
      try {
        return await connection.use(once, { abandonable });
      } catch (error) {
        if (begun || attempt === 3 || !learnFrom(error)) throw error;
        connection.replace();
      }
    }
  }

  async function run<T>(
    work: (sql: Sql) => Promise<T>,
    {
      deadlineMs = connect.statementTimeoutMs + graceMs,
      waitMs = deadlineMs,
      workMs,
      signal: wanted,
    }: RunOptions = {},
  ): Promise<T> {
    const signal = wanted === undefined ? presentSignal() : wanted ?? undefined;
    const started = now();
    const connection = await queue.acquire(Math.min(waitMs, deadlineMs), signal);
    const working = useConnection(connection, work, signal !== undefined);
    const { promise: given, reject } = Promise.withResolvers<never>();
    const cancel = setDeadline(Math.max(1, workMs ?? deadlineMs - (now() - started)), () => {
      connection.replace();
      reject(
        new HoldfastError("deadline_exceeded", "The database did not answer in time", {
          retryAfterSeconds: 2,
        }),
      );
    });
    let abandoning: Promise<void> | undefined;
    const leave = () => {
      reject(clientLeft());
      abandoning = connection.abandon();
    };
    signal?.addEventListener("abort", leave);
    try {
      return await Promise.race([working, given]);
    } catch (error) {
      throw toHoldfastError(error);
    } finally {
      cancel();
      signal?.removeEventListener("abort", leave);
      // After a deadline the work is still ending; its transaction is gone, and its connection must wait for it.
      const ended = abandoning
        ? Promise.allSettled([working, abandoning])
        : working.catch(() => {});
      ended.finally(() => queue.release(connection));
    }
  }

  return {
    run,
    transaction: (work, { isolation, ...options } = {}) =>
      run((sql) => inTransaction(sql, work, isolation === undefined ? {} : { isolation }), options),
    pipelinedTransaction: (work, options) =>
      run((sql) => inPipelinedTransaction(sql, work), options),
    stats() {
      const { free, waiting, waitMs } = queue.stats();
      return {
        size: max,
        active: max - free,
        idle: free,
        waiting,
        utilization: (max - free) / max,
        acquire_wait_ms: waitMs,
      };
    },
    renew: () => connections.forEach((connection) => connection.renew()),
    async end() {
      queue.close();
      await Promise.all(connections.map((connection) => connection.end()));
    },
  };
}
