import type { Sql } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import { sqlState } from "../../db/sql_state.ts";
import {
  claimRebuild,
  compareSlice,
  firstMinute,
  holdSlice,
  leavesDetached,
  limitStatements,
  type RebuildSlice,
  rebuildSlice,
  type SliceReport,
} from "../../db/market/candle_rebuild.ts";
import { findBySymbol } from "../../db/market/instruments.ts";
import { presentTable } from "../../db/partitions/catalogue/leaves.ts";
import { type Chunk, listChunks } from "../../db/timescale/chunks.ts";
import { findHypertables } from "../../db/timescale/hypertables.ts";
import { abortablePool } from "../../db/pool/abortable.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { unattended, type WorkContext } from "../requests/work.ts";
import { formatTimestamp } from "../ingest/timestamp.ts";
import { parseBound } from "../partitions/axis/bound.ts";
import { codecs } from "../partitions/axis/key.ts";
import type { Catalogue } from "../partitions/catalogue.ts";
import { boundOf } from "./service.ts";

export interface RebuildRequest {
  symbol: string;
  from?: string | undefined;
  to?: string | undefined;
  /** Counts the differences without changing anything. */
  dryRun: boolean;
  /** Includes leaves that Holdfast detached before. */
  force: boolean;
  /** Continues to the end; otherwise returns after `budgetMs` and says where to continue. */
  whole?: boolean;
}

export interface RebuildAnswer {
  minutes_checked: number;
  changed: number;
  removed: number;
  skipped: { partition: string; reason: string }[];
  /** Where to continue, when the time of one request was used up. */
  next_from: string | null;
}

const ticks = { schema: "market", table: "ticks" };
const minuteUs = 60_000_000;
const dayUs = 1_440 * minuteUs;
/** For one day of one instrument, at most tens of millions of ticks; milliseconds. */
const sliceTimeoutMs = 60_000;
/** Shorter than deadlock_timeout, so that in a deadlock with an upload the rebuild fails; milliseconds. */
const lockTimeoutMs = 500;
const triesMax = 20;
/** A request returns after about this time and says where to continue; milliseconds. */
const budgetMs = 20_000;

const ceilMinute = (us: number) => Math.ceil(us / minuteUs) * minuteUs;
const floorMinute = (us: number) => Math.floor(us / minuteUs) * minuteUs;

/** The ticks of a range of time, in one leaf; microseconds. */
interface TickRange extends Pick<RebuildSlice, "leaf" | "source"> {
  fromUs: number;
  toUs: number;
}

/**
 * Returns the ranges of the chunks of a hypertable: candles older than its first chunk stay, as their ticks were dropped.
 * Throws `conflict` where several chunks have the ticks of one minute. Pure.
 */
export function rangesOfChunks(
  { dimensions, chunks }: { dimensions: number; chunks: readonly Chunk[] },
): TickRange[] {
  if (dimensions !== 1) {
    throw new HoldfastError(
      "conflict",
      `market.ticks is a hypertable with ${dimensions} dimensions: candles are rebuilt where it has one, its time`,
    );
  }
  return chunks.map(({ schema, table, from_us, to_us }) => ({
    leaf: { schema, table },
    source: ticks,
    fromUs: from_us,
    toUs: to_us,
  }));
}

/** Returns the ranges of the present leaves of market.ticks. */
async function readRanges(
  sql: Sql,
  catalogue: Pick<Catalogue, "leaves">,
): Promise<TickRange[]> {
  const parent = (await presentTable(sql, ticks))?.oid;
  if (parent === undefined) return [];
  if ((await findHypertables(sql, [parent])).has(parent)) {
    return rangesOfChunks(await listChunks(sql, ticks));
  }
  const leaves = (await catalogue.leaves(sql, [parent])).get(parent) ?? [];
  return leaves.flatMap(({ schema, name, bound, pending }) => {
    const read = parseBound(bound, codecs.timestamptz);
    if (read.kind !== "range" || pending) return [];
    const { from, to } = read.span;
    return [{ leaf: { schema, table: name }, fromUs: Number(from), toUs: Number(to) }];
  });
}

/** Returns the ranges of an instrument in the present leaves, in order of time. */
async function slicesOf(
  { pool, catalogue }: { pool: Pool; catalogue: Pick<Catalogue, "leaves"> },
  instrumentId: number,
  fromUs: number | undefined,
  toUs: number | undefined,
): Promise<RebuildSlice[]> {
  const ranges = await pool.run((sql) => readRanges(sql, catalogue));
  return ranges
    .flatMap((range) => {
      // A minute that a bound divides has ticks in two leaves and is left out.
      const from = ceilMinute(Math.max(range.fromUs, fromUs ?? 0, 0));
      const to = floorMinute(Math.min(range.toUs, ceilMinute(toUs ?? Infinity)));
      return from < to ? [{ ...range, instrumentId, fromUs: from, toUs: to }] : [];
    })
    .sort((a, b) => a.fromUs - b.fromUs);
}

/** Compares or rebuilds one slice in a transaction; undefined when its leaf or instrument no longer exists. */
function attempt(
  pool: Pool,
  slice: RebuildSlice,
  dryRun: boolean,
): Promise<SliceReport | undefined> {
  return pool.transaction(async (sql: Sql) => {
    await limitStatements(sql, { statementMs: sliceTimeoutMs, lockMs: lockTimeoutMs });
    if (!await holdSlice(sql, slice)) return undefined;
    if (dryRun) return await compareSlice(sql, slice);
    if (!await claimRebuild(sql, slice.instrumentId)) {
      throw new HoldfastError("conflict", "Another rebuild of this instrument is running", {
        retryAfterSeconds: 2,
      });
    }
    return await rebuildSlice(sql, slice);
  }, { deadlineMs: 2 * sliceTimeoutMs });
}

/** Rebuilds candles from the stored ticks, after changes that SQL made to market.ticks outside of ingest. */
export function createCandleRebuild(
  { pool, catalogue, now = () => performance.now() }: {
    pool: Pool;
    catalogue: Pick<Catalogue, "leaves">;
    now?: () => number;
  },
) {
  /** Repeats a slice while uploads change its candles meanwhile. */
  async function process(
    pool: Pool,
    slice: RebuildSlice,
    dryRun: boolean,
  ): Promise<SliceReport | undefined> {
    let sum: SliceReport | undefined;
    for (let tries = 1;; tries++) {
      const report = await attempt(pool, slice, dryRun).catch((error) => {
        if (codeOf(error) === sqlState.undefinedTable) return undefined; // undefined_table: the leaf was dropped
        if (codeOf(error) !== sqlState.lockNotAvailable || tries === triesMax) throw error;
        return { checked: 0, changed: 0, removed: 0, overtaken: 1 };
      });
      if (!report) return sum;
      sum = {
        checked: Math.max(sum?.checked ?? 0, report.checked),
        changed: (sum?.changed ?? 0) + report.changed,
        removed: (sum?.removed ?? 0) + report.removed,
        overtaken: report.overtaken,
      };
      if (sum.overtaken === 0) return sum;
      if (tries === triesMax) {
        throw new HoldfastError("conflict", "Uploads keep changing these candles; try again", {
          retryAfterSeconds: 2,
        });
      }
      await new Promise((done) => setTimeout(done, 20 * tries * (0.5 + Math.random())));
    }
  }

  /** Rebuilds a slice day by day from `at.us` on, which it moves on; returns why the rest is left out. */
  async function rebuildDays(
    pool: Pool,
    slice: RebuildSlice,
    { dryRun, at, answer, isLate }: {
      dryRun: boolean;
      at: { us: number };
      answer: RebuildAnswer;
      isLate: () => boolean;
    },
  ): Promise<"time is up" | "detached" | undefined> {
    while (at.us < slice.toUs) {
      const first = await pool.run((sql) => firstMinute(sql, { ...slice, fromUs: at.us }))
        .catch((error) => {
          if (codeOf(error) === sqlState.undefinedTable) return undefined;
          throw error;
        });
      if (first === undefined) return undefined;
      at.us = first;
      if (isLate()) return "time is up";
      const end = Math.min(slice.toUs, Math.floor(first / dayUs) * dayUs + dayUs);
      const report = await process(pool, { ...slice, fromUs: first, toUs: end }, dryRun);
      if (!report) return "detached";
      answer.minutes_checked += report.checked;
      answer.changed += report.changed;
      answer.removed += report.removed;
      at.us = end;
    }
    return undefined;
  }

  return {
    /**
     * Rebuilds the minutes that start at `from` or later and before `to`, one transaction per day. After an abort it returns
     * what the completed days had, and where to continue.
     */
    async rebuild(
      { symbol, from, to, dryRun, force, whole = false }: RebuildRequest,
      { report, signal }: WorkContext = unattended,
    ): Promise<RebuildAnswer> {
      const through = abortablePool(pool, signal);
      const started = now();
      const isLate = () => !whole && now() - started > budgetMs;
      const instrument = await through.run((sql) => findBySymbol(sql, symbol));
      if (!instrument) {
        throw new HoldfastError("not_found", `No instrument has the symbol ${symbol}`);
      }
      const range = [boundOf("from", from), boundOf("to", to)] as const;
      const slices = await slicesOf({ pool: through, catalogue }, instrument.id, ...range);
      const detached = force
        ? new Set<string>()
        : await through.run((sql) => leavesDetached(sql, slices.map(({ leaf }) => leaf.table)));
      const answer: RebuildAnswer = {
        minutes_checked: 0,
        changed: 0,
        removed: 0,
        skipped: [],
        next_from: null,
      };
      for (const [done, slice] of slices.entries()) {
        const partition = `${slice.leaf.schema}.${slice.leaf.table}`;
        report({ step: partition, done, of: slices.length, unit: "partitions" });
        const skip = (reason: string) => answer.skipped.push({ partition, reason });
        if (detached.has(slice.leaf.table)) {
          skip("it was detached before, so ticks may be missing; force=true includes it");
          continue;
        }
        const at = { us: slice.fromUs };
        const left = await rebuildDays(through, slice, { dryRun, at, answer, isLate })
          .catch((error) => {
            if (!signal?.aborted || error !== signal.reason) throw error;
            return "time is up" as const;
          });
        if (left === "time is up") return { ...answer, next_from: formatTimestamp(at.us) };
        if (left === "detached") skip("it is no longer attached");
      }
      return answer;
    },
  };
}

export type CandleRebuild = ReturnType<typeof createCandleRebuild>;
