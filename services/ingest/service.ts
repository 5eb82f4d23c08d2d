import type { Config } from "../../config/config.ts";
import type { Sql } from "../../db/connection.ts";
import { HoldfastError } from "../../errors.ts";
import type { Pool } from "../../db/pool/pool.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Rotation } from "../partitions/rotation.ts";
import { createFullness } from "./admission/fullness.ts";
import { createAlarms } from "./admission/alarms.ts";
import { createRowFeed, type RowFeed } from "./write/row_source.ts";
import type { Feeds } from "./judge/feeds.ts";
import { createGroups } from "./write/groups.ts";
import { createKeyTurns } from "./admission/key_locks.ts";
import { createRoom, type Hold } from "./admission/memory_budget.ts";
import { createStore, type StoreConfig } from "./write/store.ts";
import type { SymbolDirectory } from "./judge/symbols.ts";
import type { ParsedTick, Refusal, RowBatch } from "./tick.ts";
import { createTally, type IngestAnswer, type IngestRequest, rowsOf } from "./upload.ts";

/** Longest a second upload with the same key waits for the first; milliseconds. */
const keyWaitMs = 10_000;
const groupUploadsMax = 1_000;
/** A small upload whose end takes longer than this is in nobody's way but its own kind's: the large ones'. */
const promptMs = 1_000;

export interface IngestCounters {
  accepted: number;
  quarantined: number;
  byReason: Record<string, number>;
  lanes: { active: number; waiting: number };
  /** Since when uploads are refused for want of disk space, in milliseconds since 1970. */
  diskFullSince: number | undefined;
}

export interface Ingest {
  /** Stores an upload whole or not at all; answers after commit. */
  ingest(request: IngestRequest): Promise<IngestAnswer>;
  /**
   * Runs `work` in one transaction with a way to store ticks in it, which answers what was refused; refused ticks
   * stay the caller's. What was stored counts once it is committed.
   */
  rewrite<T>(
    options: { create: boolean; backfill: boolean },
    work: (sql: Sql, write: (ticks: ParsedTick[]) => Promise<Refusal[]>) => Promise<T>,
  ): Promise<T>;
  counters(): IngestCounters;
}

type IngestConfig =
  & StoreConfig
  & Pick<
    Config,
    | "HOLDFAST_INGEST_GROUP_LANES"
    | "HOLDFAST_INGEST_GROUP_ROWS"
    | "HOLDFAST_INGEST_HELD_ROWS"
  >;

/** Takes ticks in: judged, written by COPY with their candles, counted, exactly once per idempotency key. */
export function createIngest(
  { streams, groups: groupPool, rotation, directory, feeds, config, clock }: {
    streams: Pool;
    groups: Pool;
    rotation: Rotation;
    directory: SymbolDirectory;
    feeds: Feeds;
    config: IngestConfig;
    clock: Clock;
  },
): Ingest {
  const counters = { accepted: 0, quarantined: 0, byReason: {} as Record<string, number> };
  const alarms = createAlarms();
  const keys = createKeyTurns({ waitMs: keyWaitMs });
  const room = createRoom(config.HOLDFAST_INGEST_HELD_ROWS);
  const fullness = createFullness({ clock });

  function committed(
    { accepted, quarantined }: IngestAnswer,
    reasons: Record<string, number>,
  ): void {
    fullness.stored();
    counters.accepted += accepted;
    counters.quarantined += quarantined;
    for (const [reason, rows] of Object.entries(reasons)) {
      counters.byReason[reason] = (counters.byReason[reason] ?? 0) + rows;
    }
  }

  const store = createStore({
    streams,
    groups: groupPool,
    rotation,
    directory,
    feeds,
    config,
    clock,
    committed,
    failed: ({ code }) => {
      if (code === "storage_full") fullness.refused();
    },
  });
  const groups = createGroups({
    lanes: config.HOLDFAST_INGEST_GROUP_LANES,
    rowsMax: config.HOLDFAST_INGEST_GROUP_ROWS * 4,
    uploadsMax: groupUploadsMax,
    waitMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
    store: store.storeGroup,
  });

  function submit(batch: RowBatch, request: IngestRequest): Promise<IngestAnswer> {
    const { create, backfill, idempotencyKey: key, fingerprint, signal } = request;
    if (batch.ticks.length === 0) {
      // Not one well-formed row: said before anything is written.
      const tally = createTally();
      tally.add(0, batch.refusals);
      tally.refuseHopeless();
    }
    return groups.submit(
      { batch, rows: rowsOf(batch), create, backfill, key, fingerprint },
      signal,
    );
  }

  /** The first batches again, then the rest; by then the first are written, and their room is free. */
  function startingWith(head: RowBatch[], feed: RowFeed, hold: Hold): RowFeed {
    return {
      ...feed,
      next(waitMs) {
        if (head.length > 0) return Promise.resolve(head.shift());
        hold.giveBack();
        return feed.next(waitMs);
      },
    };
  }

  /**
   * A whole small body joins a group; a larger one, or one that takes its time, gets a lane, once its first rows are
   * here: nobody holds a lane, nor room among the small ones, by sending slowly.
   */
  async function ingest(feed: RowFeed, request: IngestRequest): Promise<IngestAnswer> {
    const deadlineSeconds = config.HOLDFAST_INGEST_DEADLINE_SECONDS;
    const first = await feed.next(deadlineSeconds * 1_000);
    if (first === "late") {
      throw new HoldfastError("upload_stalled", `No rows came within ${deadlineSeconds} s`);
    }
    if (!first) throw new Error("A body ended without a batch");
    const rows = rowsOf(first);
    const small = rows <= config.HOLDFAST_INGEST_GROUP_ROWS;
    const hold = room.take(small ? "small" : "large", rows);
    try {
      const head = [first];
      if (small) {
        let second = await feed.next(promptMs);
        if (second === "late") {
          hold.move("large", rows);
          second = await feed.next(config.HOLDFAST_INGEST_STALL_SECONDS * 2_000);
        }
        if (!second) return await submit(first, request);
        if (second !== "late") {
          hold.move("large", rows + rowsOf(second));
          head.push(second);
        }
      }
      return await store.storeFeed(startingWith(head, feed, hold), request);
    } finally {
      hold.giveBack();
    }
  }

  return {
    async ingest(request) {
      const { idempotencyKey: key } = request;
      const leave = key === undefined ? undefined : await keys.enter(key);
      const feed = createRowFeed(request.batches, alarms);
      try {
        return await ingest(feed, request);
      } finally {
        leave?.();
        await feed.close();
      }
    },
    async rewrite({ create, backfill }, work) {
      let accepted = 0;
      const note = feeds.begin();
      try {
        const result = await groupPool.transaction((sql) =>
          store.withWriter(sql, async (writer) => {
            const done = await work(sql, async (ticks) => {
              const [written] = await writer.write([
                { batch: { ticks, refusals: [] }, create, limits: store.limits(backfill) },
              ]);
              await writer.pause(); // the caller has statements of its own
              const { stored, refusals } = written ?? { stored: 0, refusals: [] };
              const refused = new Set(refusals.map(({ line }) => line));
              accepted += stored;
              note.add(ticks.filter(({ line }) => !refused.has(line)), []);
              return refusals;
            });
            await writer.finish();
            return done;
          }, true)
        );
        counters.accepted += accepted;
        note.commit();
        return result;
      } catch (error) {
        throw store.explain(error);
      }
    },
    counters() {
      const lanes = { active: 0, waiting: 0 };
      for (const { active, waiting } of [streams.stats(), groups.stats()]) {
        lanes.active += active;
        lanes.waiting += waiting;
      }
      return {
        ...counters,
        byReason: { ...counters.byReason },
        lanes,
        diskFullSince: fullness.since(),
      };
    },
  };
}
