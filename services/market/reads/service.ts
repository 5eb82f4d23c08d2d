import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { readWalPosition } from "../../../db/server/wal_position.ts";
import { HoldfastError } from "../../../errors.ts";
import { createLoop } from "../../../lib/loop.ts";
import type { Logger } from "../../../log.ts";
import { noMarks, noteMark, type Refusal, refusals } from "./freshness.ts";
import { refusalOf, Standby, type StandbyReport, type StandbyTarget } from "./standby.ts";

/** Which server answered a read. */
export type ReadSource =
  | { target: "standby"; staleMs: number; boundMs: number }
  | {
    target: "primary";
    /** Why no standby answered; undefined: the primary was asked for. */
    refusal: Refusal | undefined;
  };

export interface SourcedRead<T> {
  answer: T;
  /** Undefined where no standby is set. */
  source: ReadSource | undefined;
}

export interface ReadsReport {
  /** The greatest staleness of an answer; seconds. */
  staleness_seconds_max: number;
  /** Reads that the primary answered. */
  primary: number;
  standbys: StandbyReport[];
}

/** Where reads of market data go: to standbys that are fresh enough, else to the primary. */
export interface MarketReads {
  /**
   * Runs `work`, which only reads and may run twice. What it shows lacks nothing that was visible on the primary
   * `boundMs` before it began; 0 asks for the primary. The bound of the settings holds where it is less.
   */
  read<T>(
    work: (sql: Sql) => Promise<T>,
    options?: { boundMs?: number | undefined },
  ): Promise<SourcedRead<T>>;
  /** Undefined where no standby is set. */
  report(): ReadsReport | undefined;
  start(): void;
  /** Reads the position of every server once. */
  poll(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes reads that all go to the primary. */
function readPrimary(pool: Pick<Pool, "run">): MarketReads {
  return {
    read: async (work) => ({ answer: await pool.run(work), source: undefined }),
    report: () => undefined,
    start() {},
    poll: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

const pollMs = 2_000;
/** Polls are a tenth of the bound apart, within these limits; milliseconds. */
const everyMs = (boundMs: number) => Math.min(1_000, Math.max(100, boundMs / 10));

/**
 * Makes the reads of market data. Every poll marks a position of the primary with the time it was asked for; a standby that
 * has replayed up to a mark is at most as stale as the mark is old, however long the primary has been idle.
 */
export function createReads({ pool, polls, standbys: targets, boundMs, now, log }: {
  pool: Pick<Pool, "run">;
  /** The primary, for polls. */
  polls: Pick<Pool, "run">;
  standbys: readonly StandbyTarget[];
  boundMs: number;
  /** Milliseconds that only grow. */
  now: () => number;
  log: Logger;
}): MarketReads {
  const standbys = targets.map((target) => new Standby(target, now));
  const [head] = standbys;
  if (!head) return readPrimary(pool);
  const logged = new Map<Standby, Refusal>();
  let marks = noMarks;
  let turn = 0;
  let fromPrimary = 0;

  async function pollPrimary(): Promise<void> {
    try {
      const { at, position } = await polls.run(async (sql) => {
        const at = now();
        return { at, position: await readWalPosition(sql) };
      }, { deadlineMs: pollMs, signal: null });
      marks = noteMark(marks, position, at, boundMs);
    } catch (error) {
      // The monitor reports an outage of the primary; without a mark, no standby is fresh.
      log.debug("primary_position_unknown", { error: describeDatabaseError(error) });
    }
  }

  async function pollStandby(standby: Standby): Promise<void> {
    const { refusal, error } = await standby.poll(() => marks, boundMs);
    if (refusal === "primary_unknown" || refusal === logged.get(standby)) return;
    if (refusal === undefined) {
      logged.delete(standby);
      log.info("standby_read_again", { standby: standby.name });
      return;
    }
    logged.set(standby, refusal);
    log.warn("standby_not_read", {
      standby: standby.name,
      reason: refusal,
      detail: error === undefined ? refusals[refusal] : describeDatabaseError(error),
    });
  }

  const polled = [pollPrimary, ...standbys.map((standby) => () => pollStandby(standby))];
  const loops = polled.map((job) =>
    createLoop({ name: "poll_wal_position", everyMs: everyMs(boundMs), job, log })
  );

  /** Returns a standby that is fresh, the one whose turn it is before others; else that one, and why it is not. */
  function choose(first: Standby, boundMs: number): { standby: Standby; refusal?: Refusal } {
    const refusal = first.refusalFor(boundMs);
    if (refusal === undefined) return { standby: first };
    const other = standbys.find((standby) => standby.refusalFor(boundMs) === undefined);
    return other ? { standby: other } : { standby: first, refusal };
  }

  async function readFromPrimary<T>(
    work: (sql: Sql) => Promise<T>,
    refusal: Refusal | undefined,
  ): Promise<SourcedRead<T>> {
    const answer = await pool.run(work);
    fromPrimary++;
    return { answer, source: { target: "primary", refusal } };
  }

  return {
    async read(work, { boundMs: wanted = boundMs } = {}) {
      const allowed = Math.min(wanted, boundMs);
      if (allowed <= 0) return await readFromPrimary(work, undefined);
      const first = standbys[turn++ % standbys.length] ?? head;
      const { standby, ...chosen } = choose(first, allowed);
      let { refusal } = chosen;
      if (refusal === undefined) {
        try {
          const { answer, staleMs } = await standby.read(work, () => marks, allowed);
          return { answer, source: { target: "standby", staleMs, boundMs: allowed } };
        } catch (error) {
          if (error instanceof HoldfastError && error.code === "client_left") throw error;
          refusal = refusalOf(error);
        }
      }
      standby.noteFallback(refusal);
      return await readFromPrimary(work, refusal);
    },
    report: () => ({
      staleness_seconds_max: boundMs / 1000,
      primary: fromPrimary,
      standbys: standbys.map((standby) => standby.report()),
    }),
    start: () => loops.forEach((loop) => loop.start()),
    async poll() {
      await Promise.all(polled.map((job) => job()));
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all(standbys.map((standby) => standby.end()));
    },
  };
}
