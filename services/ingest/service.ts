import type { Config } from "../../config/config.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Rotation } from "../partitions/rotation.ts";
import { createAlarms } from "./admission/alarms.ts";
import { createKeyLocks } from "./admission/key_locks.ts";
import { createMemoryBudget, type Reservation } from "./admission/memory_budget.ts";
import { createCounters, type RowCounts } from "./counters.ts";
import type { Feeds } from "./judge/feeds.ts";
import type { SymbolDirectory } from "./judge/symbols.ts";
import type { RowBatch } from "./tick.ts";
import { createTally, type IngestAnswer, type IngestRequest, rowsOf } from "./upload.ts";
import { createGroupCommit } from "./write/group_commit.ts";
import { type LargeUploadConfig, storeLargeUpload } from "./write/large_upload.ts";
import { rewrite, type RewriteOptions, type RewriteWork } from "./write/rewrite.ts";
import { createRowSource, type RowSource } from "./write/row_source.ts";
import { createWriteSessions } from "./write/session.ts";
import { storeSmallUploads } from "./write/small_uploads.ts";

/** Longest time a second upload with the same key waits for the first; milliseconds. */
const keyWaitMs = 10_000;
const groupUploadsMax = 1_000;
/** A small upload that takes longer than this to end is treated as a large one; milliseconds. */
const promptMs = 1_000;

export interface IngestCounters extends RowCounts {
  lanes: { active: number; waiting: number };
}

export interface Ingest {
  /** Stores an upload whole or not at all; answers after commit. */
  ingest(request: IngestRequest): Promise<IngestAnswer>;
  /**
   * Runs `work` in one transaction with a function that stores ticks in it and returns those it refused. Refused ticks are
   * not put in the quarantine. Stored ticks are counted after commit.
   */
  rewrite<T>(options: RewriteOptions, work: RewriteWork<T>): Promise<T>;
  counters(): IngestCounters;
}

type IngestConfig =
  & LargeUploadConfig
  & Pick<
    Config,
    | "HOLDFAST_FUTURE_LIMIT_SECONDS"
    | "HOLDFAST_BACKFILL_HORIZON_DAYS"
    | "HOLDFAST_STATEMENT_TIMEOUT_MS"
    | "HOLDFAST_INGEST_GROUP_LANES"
    | "HOLDFAST_INGEST_GROUP_ROWS"
    | "HOLDFAST_INGEST_HELD_ROWS"
  >;

/** Judges ticks, writes them by COPY with their candles, and counts them, once per idempotency key. */
export function createIngest(
  { streams, groups: groupLanes, rotation, directory, feeds, config, clock }: {
    /** Connections of large uploads. */
    streams: Pool;
    /** Connections of groups of small uploads. */
    groups: Pool;
    rotation: Pick<Rotation, "ensureDays" | "hasDays" | "forget">;
    directory: SymbolDirectory;
    feeds: Feeds;
    config: IngestConfig;
    clock: Clock;
  },
): Ingest {
  const counters = createCounters({ clock });
  const alarms = createAlarms();
  const keyLocks = createKeyLocks({ waitMs: keyWaitMs });
  const budget = createMemoryBudget(config.HOLDFAST_INGEST_HELD_ROWS);
  const { committed, failed: onFailure } = counters;
  const sessions = createWriteSessions({ rotation, directory, config, clock, onFailure });
  const small = { lanes: groupLanes, sessions, feeds, config, committed };
  const large = { lanes: streams, sessions, feeds, config, committed };
  const groups = createGroupCommit({
    lanes: config.HOLDFAST_INGEST_GROUP_LANES,
    rowsMax: config.HOLDFAST_INGEST_GROUP_ROWS * 4,
    uploadsMax: groupUploadsMax,
    waitMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
    store: (uploads) => storeSmallUploads(uploads, small),
  });

  function storeSmall(batch: RowBatch, request: IngestRequest): Promise<IngestAnswer> {
    const { create, backfill, idempotencyKey: key, fingerprint, signal } = request;
    if (batch.ticks.length === 0) refuseEmpty(batch);
    return groups.submit(
      { batch, rows: rowsOf(batch), create, backfill, key, fingerprint },
      signal,
    );
  }

  /**
   * A small body that is here in full joins a group. A larger or slower one gets a lane once its first rows are here: a slow
   * sender holds neither a lane nor the budget of small uploads.
   */
  async function store(source: RowSource, request: IngestRequest): Promise<IngestAnswer> {
    const first = await firstBatch(source, config.HOLDFAST_INGEST_DEADLINE_SECONDS);
    const rows = rowsOf(first);
    const isSmall = rows <= config.HOLDFAST_INGEST_GROUP_ROWS;
    const reservation = budget.reserve(isSmall ? "small" : "large", rows);
    try {
      const head = [first];
      if (isSmall) {
        let second = await source.next(promptMs);
        if (second === "late") {
          reservation.change("large", rows);
          second = await source.next(config.HOLDFAST_INGEST_STALL_SECONDS * 2_000);
        }
        if (!second) return await storeSmall(first, request);
        if (second !== "late") {
          reservation.change("large", rows + rowsOf(second));
          head.push(second);
        }
      }
      return await storeLargeUpload(startingWith(head, source, reservation), request, large);
    } finally {
      reservation.release();
    }
  }

  return {
    async ingest(request) {
      const { idempotencyKey: key } = request;
      const unlock = key === undefined ? undefined : await keyLocks.acquire(key);
      const source = createRowSource(request.batches, alarms);
      try {
        return await store(source, request);
      } finally {
        unlock?.();
        await source.close();
      }
    },
    rewrite: (options, work) => rewrite(options, work, { ...small, accepted: counters.rewritten }),
    counters() {
      const lanes = { active: 0, waiting: 0 };
      for (const { active, waiting } of [streams.stats(), groups.stats()]) {
        lanes.active += active;
        lanes.waiting += waiting;
      }
      return { ...counters.read(), lanes };
    },
  };
}

async function firstBatch(source: RowSource, deadlineSeconds: number): Promise<RowBatch> {
  const first = await source.next(deadlineSeconds * 1_000);
  if (first === "late") {
    throw new HoldfastError("upload_stalled", `No rows came within ${deadlineSeconds} s`);
  }
  if (!first) throw new Error("A body ended without a batch");
  return first;
}

/** Throws `malformed_body` for a body without one well-formed row, before anything is written. */
function refuseEmpty({ refusals }: RowBatch): void {
  const tally = createTally();
  tally.add(0, refusals);
  tally.refuseWithoutTicks();
}

/** Returns a source that gives the batches of `head` first. When they are written, their reservation is released. */
function startingWith(head: RowBatch[], source: RowSource, reservation: Reservation): RowSource {
  return {
    ...source,
    next(waitMs) {
      if (head.length > 0) return Promise.resolve(head.shift());
      reservation.release();
      return source.next(waitMs);
    },
  };
}
