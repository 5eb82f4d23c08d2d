import type { Sql } from "../../../db/connection.ts";
import {
  type ClockRow,
  readClocks,
  recordClock,
} from "../../../db/partitions/records/restraint.ts";
import { isUnreachable } from "../../../db/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type ClockReading, type ClockVerdict, createClockMemory, judgeClocks } from "./clocks.ts";
import type { TableFacts } from "../planning/facts.ts";
import { hasFreshRow } from "../survey/probes.ts";

/** Source of the server's time, and where it is recorded. */
export interface ClockSource {
  read(sql: Sql): Promise<ClockRow>;
  record(sql: Sql, serverMs: number, anew: boolean): Promise<void>;
}

/** One reading of all clocks, with the recorded times. */
export interface Times {
  reading: ClockReading;
  recorded: ClockRow["recorded"];
  /** Milliseconds that this process has run since it first trusted a time. */
  ranMs: number;
}

/** Other sources of a rotation's times than the server's and the process's clocks; for tests. */
export interface TimeSources {
  source?: ClockSource;
  /** A monotonic clock; milliseconds. */
  monotonic?: () => number;
}

const serverClock: ClockSource = { read: readClocks, record: recordClock };

/** Reads the server's time for rotations, and finds out whether it may be acted on. */
export function createTimekeeper(
  { clock, source = serverClock, monotonic = () => performance.now() }:
    & { clock: Clock }
    & TimeSources,
) {
  const memory = createClockMemory();
  let last: ClockReading | undefined;
  let trusted = false;

  return {
    /** Returns the server's time: the last reading, continued by the monotonic clock; Holdfast's own before the first. */
    now: (): Date => last ? new Date(last.server + monotonic() - last.monotonic) : clock.now(),
    /** Says whether the last recorded time was trusted or confirmed. */
    isTrusted: (): boolean => trusted,
    async read(sql: Sql): Promise<Times> {
      const [asked, before] = [performance.now(), clock.now().getTime()];
      const { server, recorded } = await source.read(sql);
      const roundTrip = performance.now() - asked;
      last = { own: before + roundTrip / 2, server, roundTrip, monotonic: monotonic() };
      return { reading: last, recorded, ranMs: memory.ranMs(last) };
    },
    async judge(
      sql: Sql,
      { reading, recorded }: Times,
      tables: readonly TableFacts[],
    ): Promise<ClockVerdict> {
      const known = memory.of(recorded);
      const verdict = judgeClocks(reading, known, false);
      if (verdict.trusted || verdict.kind !== "ahead") return verdict;
      const nowUs = BigInt(Math.round(reading.server)) * 1_000n;
      for (const facts of tables) {
        const fresh = await hasFreshRow(sql, facts, nowUs).catch((error) => {
          if (isUnreachable(error)) throw error;
          return false;
        });
        if (fresh) return judgeClocks(reading, known, true);
      }
      return verdict;
    },
    /** Records a time that was trusted, or that an operator confirmed. */
    async record(sql: Sql, { reading }: Times, verdict: ClockVerdict, confirmed = false) {
      memory.record(reading, verdict, confirmed);
      // Two clocks that disagree cannot both be confirmed.
      trusted = verdict.trusted || confirmed && verdict.kind !== "skew";
      if (trusted) await source.record(sql, reading.server, !verdict.trusted);
    },
  };
}

export type Timekeeper = ReturnType<typeof createTimekeeper>;
