import type { Config } from "../../config.ts";
import { takeQuarantined } from "../../db/market/quarantine.ts";
import type { Pool } from "../../db/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import type { Rotation } from "../partitions/rotation.ts";
import { createRowFeed, type RowFeed } from "./feed.ts";
import { createGroups } from "./groups.ts";
import { createKeyTurns } from "./key_turns.ts";
import { readJsonLine } from "./parse_ndjson.ts";
import { createRoom } from "./room.ts";
import { createStore, type StoreConfig } from "./store.ts";
import type { SymbolDirectory } from "./symbols.ts";
import { isRefusal, type RowBatch } from "./tick.ts";
import { createTally, type IngestAnswer, type IngestRequest, rowsOf } from "./upload.ts";

/** Longest a second upload with the same key waits for the first; milliseconds. */
const keyWaitMs = 10_000;
const groupUploadsMax = 1_000;

export interface IngestCounters {
  accepted: number;
  quarantined: number;
  byReason: Record<string, number>;
  lanes: { active: number; waiting: number };
}

export interface Ingest {
  /** Stores an upload whole or not at all; answers after commit. */
  ingest(request: IngestRequest): Promise<IngestAnswer>;
  /** Tries a quarantined row again; it stays there when it is refused again. */
  retry(id: string, options: { create: boolean; backfill: boolean }): Promise<IngestAnswer>;
  counters(): IngestCounters;
}

type IngestConfig =
  & StoreConfig
  & Pick<
    Config,
    | "HOLDFAST_INGEST_GROUP_LANES"
    | "HOLDFAST_INGEST_GROUP_ROWS"
    | "HOLDFAST_INGEST_HELD_ROWS"
    | "HOLDFAST_STATEMENT_TIMEOUT_MS"
  >;

/** Takes ticks in: judged, written by COPY with their candles, counted, exactly once per idempotency key. */
export function createIngest(
  { streams, groups: groupPool, rotation, directory, config, clock }: {
    streams: Pool;
    groups: Pool;
    rotation: Rotation;
    directory: SymbolDirectory;
    config: IngestConfig;
    clock: Clock;
  },
): Ingest {
  const counters = { accepted: 0, quarantined: 0, byReason: {} as Record<string, number> };
  const keys = createKeyTurns({ waitMs: keyWaitMs });
  const room = createRoom(config.HOLDFAST_INGEST_HELD_ROWS);

  function committed(
    { accepted, quarantined }: IngestAnswer,
    reasons: Record<string, number>,
  ): void {
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
    config,
    clock,
    committed,
  });
  const groups = createGroups({
    lanes: config.HOLDFAST_INGEST_GROUP_LANES,
    rowsMax: config.HOLDFAST_INGEST_GROUP_ROWS * 4,
    uploadsMax: groupUploadsMax,
    waitMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
    store: store.storeGroup,
  });

  function submit(batch: RowBatch, request: IngestRequest): Promise<IngestAnswer> {
    const { create, backfill, idempotencyKey: key, fingerprint } = request;
    if (batch.ticks.length === 0) {
      // Not one well-formed row: said before anything is written.
      const tally = createTally();
      tally.add(0, batch.refusals);
      tally.refuseHopeless();
    }
    return groups.submit({ batch, rows: rowsOf(batch), create, backfill, key, fingerprint });
  }

  /** The first batch again, then the rest. */
  function startingWith(head: (RowBatch | undefined)[], feed: RowFeed): RowFeed {
    return {
      ...feed,
      next: (waitMs) => head.length > 0 ? Promise.resolve(head.shift()) : feed.next(waitMs),
    };
  }

  /** A whole small body joins a group; a larger one gets a lane, once its first rows are here. */
  async function ingest(feed: RowFeed, request: IngestRequest): Promise<IngestAnswer> {
    const first = await feed.next() as RowBatch | undefined;
    const rows = first ? rowsOf(first) : 0;
    const giveBack = room.take(rows);
    try {
      const head = [first];
      if (first && rows <= config.HOLDFAST_INGEST_GROUP_ROWS) {
        const second = await feed.next() as RowBatch | undefined;
        if (!second) return await submit(first, request);
        head.push(second);
      }
      return await store.storeFeed(startingWith(head, feed), request);
    } finally {
      giveBack();
    }
  }

  return {
    async ingest(request) {
      const { idempotencyKey: key } = request;
      const leave = key === undefined ? undefined : await keys.enter(key);
      const feed = createRowFeed(request.batches);
      try {
        return await ingest(feed, request);
      } finally {
        leave?.();
        await feed.close();
      }
    },
    async retry(id, { create, backfill }) {
      try {
        const answer = await groupPool.transaction(async (sql) => {
          const entry = await takeQuarantined(sql, id);
          if (!entry) throw new HoldfastError("not_found", `No quarantined row has the id ${id}`);
          const row = readJsonLine(entry.raw, entry.line);
          const batch = isRefusal(row)
            ? { ticks: [], refusals: [row] }
            : { ticks: [row], refusals: [] };
          return await store.withWriter(sql, async (writer) => {
            const [written] = await writer.write([
              { batch, create, limits: store.limits(backfill) },
            ]);
            const { stored, refusals } = written ?? { stored: 0, refusals: [] };
            if (stored === 0) {
              // Thrown, so that the transaction ends as if nothing had been tried.
              throw new HoldfastError("conflict", `Still refused: ${refusals[0]?.message}`, {
                problems: refusals.map(({ line, path, message }) => ({ line, path, message })),
              });
            }
            await writer.finish();
            return { accepted: stored, quarantined: 0, replayed: false };
          });
        });
        committed(answer, {});
        return answer;
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
      return { ...counters, byReason: { ...counters.byReason }, lanes };
    },
  };
}
