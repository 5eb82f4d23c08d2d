import { describeDatabaseError, isAnswer } from "../../../db/errors.ts";
import { findStored, insertSamples, seriesIds } from "../../../db/history/samples.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { createSerialQueue } from "../../../lib/serial_queue.ts";
import type { Logger } from "../../../log.ts";
import { KnownLeaves } from "./known_leaves.ts";
import type { Level } from "./levels.ts";
import { Rollups } from "./rollups.ts";
import { type Sample, SampleQueue } from "./sample_queue.ts";
import { SeriesRegistry } from "./series_registry.ts";

/** The state of writing: samples that wait and that were dropped, the last error, and the last success. */
export interface RecorderState {
  waiting: number;
  dropped: number;
  problem: string | undefined;
  writtenAt: number | undefined;
}

export interface Recorder {
  add(samples: readonly Sample[]): void;
  /** Writes what waits. Never throws: the next flush repeats a write that failed. */
  flush(): Promise<void>;
  /** Rolls up what is complete and drops what is too old; never throws. */
  upkeep(): Promise<void>;
  /** Forgets waiting samples measured at `at` or later; milliseconds since 1970. */
  forgetSince(at: number): void;
  /** Returns the samples of one series that are not written yet. */
  waitingOf(name: string, scope: string): Sample[];
  state(): RecorderState;
}

/** Two hours at the default cadences. */
const waitingMax = 60_000;
/** Rows of one COPY: a long backlog does not become one long transaction. */
const batchMax = 10_000;
/** Series in use at once: it bounds the size of history, whatever the server holds. */
const seriesMax = 500;
const deadlineMs = 8_000;
/** A sample of another Holdfast on the same database may arrive this much later. */
const lateMs = 40_000;

/** Writes samples to the database over one connection, with bounds on memory, statements and waits. */
export function createRecorder(
  { pool, levels, now, log, limits = { waiting: waitingMax, series: seriesMax } }: {
    pool: Pool;
    levels: readonly Level[];
    now: () => number;
    log: Logger;
    limits?: { waiting: number; series: number };
  },
): Recorder {
  const raw = levels[0];
  if (!raw) throw new RangeError("Cannot record history: there is no level");
  const samples = new SampleQueue(limits.waiting);
  const series = new SeriesRegistry(limits.series);
  const leaves = new KnownLeaves();
  const rollups = new Rollups({ pool, levels, leaves, deadlineMs });
  const jobs = createSerialQueue();
  /** Samples of writes that may have been committed though no answer came. */
  const doubtful = new WeakSet<Sample>();
  let problem: string | undefined;
  let writtenAt: number | undefined;
  let hasRefused = false;

  function admit(sample: Sample): boolean {
    const admitted = series.admit(sample);
    if (!admitted && !hasRefused) {
      log.warn("history_series_left_out", { kept: series.size, first: sample.name });
      hasRefused = true;
    }
    return admitted;
  }

  async function write(batch: readonly Sample[]): Promise<void> {
    const fresh = series.withoutId(batch);
    const { made, ids } = await pool.transaction(async (sql) => {
      const ids = fresh.length > 0 ? await seriesIds(sql, fresh) : [];
      const made = await leaves.make(sql, raw!, batch.map(({ at }) => at));
      const idOf = series.finder(fresh, ids);
      const rows = batch.map((sample) => ({
        at: sample.at,
        value: sample.value,
        series: idOf(sample),
      }));
      const isStored = batch.some((sample) => doubtful.has(sample))
        ? await findStored(sql, rows)
        : () => false;
      await insertSamples(sql, rows.filter((row) => !isStored(row)));
      return { made, ids };
    }, { deadlineMs }).catch((error) => {
      if (!isAnswer(error)) { for (const sample of batch) doubtful.add(sample); }
      throw error;
    });
    series.setIds(fresh, ids);
    leaves.add(made);
    writtenAt = now();
  }

  /** Runs `work`; logs the first failure of several and the first success after them. */
  async function guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (problem !== undefined) log.info("history_written_again", { waiting: samples.size });
      problem = undefined;
    } catch (caught) {
      // Another session may have dropped a leaf or a series: both are looked up again.
      leaves.clear();
      series.clearIds();
      const error = describeDatabaseError(caught);
      if (problem === undefined) log.warn("history_not_written", { what, error });
      problem = error;
    }
  }

  async function flushNow(): Promise<void> {
    samples.removeBefore(now() - raw!.keepMs);
    await guarded("samples", () => samples.drain(batchMax, write));
  }

  async function upkeepNow(): Promise<void> {
    await guarded("rollups", async () => {
      await rollups.rollUp(Math.min(samples.oldestAt, now() - lateMs), now());
      await rollups.dropOld(now());
    });
  }

  return {
    add(added) {
      const isFirst = samples.dropped === 0;
      const [first] = samples.add(added.filter(admit));
      if (first && isFirst) log.warn("history_dropped", { first: new Date(first.at) });
    },
    forgetSince: (at) => samples.removeSince(at),
    flush: () => jobs.run(flushNow),
    // Samples must be written before they can be rolled up.
    upkeep: () =>
      jobs.run(async () => {
        await flushNow();
        if (problem === undefined) await upkeepNow();
      }),
    waitingOf: (name, scope) => samples.of(name, scope),
    state: () => ({ waiting: samples.size, dropped: samples.dropped, problem, writtenAt }),
  };
}
