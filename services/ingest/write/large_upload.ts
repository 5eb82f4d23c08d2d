import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import { storeAnswers } from "../../../db/market/idempotency.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { allowIdle } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { FeedCounter, Feeds } from "../judge/feeds.ts";
import type { RowBatch } from "../tick.ts";
import {
  type Committed,
  createTally,
  type IngestAnswer,
  type IngestRequest,
  type Tally,
} from "../upload.ts";
import { claimAnswers, replay } from "./idempotency.ts";
import type { RowSource } from "./row_source.ts";
import type { WriteSessions } from "./session.ts";
import type { Writer } from "./writer.ts";

/** A COPY is ended when its sender pauses this long, so that no statement stays open; milliseconds. */
const idleMs = 250;
/** How often the wait for a paused sender checks whether other uploads need its lane; milliseconds. */
const pollMs = 500;

export type LargeUploadConfig = Pick<
  Config,
  | "HOLDFAST_INGEST_DEADLINE_SECONDS"
  | "HOLDFAST_INGEST_LANE_WAIT_SECONDS"
  | "HOLDFAST_INGEST_STALL_SECONDS"
>;

export interface LargeUploadOptions {
  /** Connections for large uploads: one lane each. */
  lanes: Pool;
  sessions: WriteSessions;
  feeds: Feeds;
  config: LargeUploadConfig;
  committed: Committed;
}

/** Stores one large upload in one transaction on a lane of its own. */
export async function storeLargeUpload(
  source: RowSource,
  request: IngestRequest,
  { lanes, sessions, feeds, config, committed }: LargeUploadOptions,
): Promise<IngestAnswer> {
  const tally = createTally();
  const counter = feeds.begin();
  const deadlineMs = config.HOLDFAST_INGEST_DEADLINE_SECONDS * 1000;
  const departure = watchDeparture(request.signal);
  const stallMs = config.HOLDFAST_INGEST_STALL_SECONDS * 2_000;
  const nextRows = (pause: () => Promise<void>) => nextBatch(source, { pause, lanes, stallMs });
  try {
    const answer = await lanes.transaction(async (sql) => {
      await allowIdle(sql, deadlineMs);
      const replayed = await replayOf(sql, request, nextRows);
      if (replayed) return replayed;
      await sessions.withWriter(sql, async (writer) => {
        const limits = sessions.limits(request.backfill);
        const write = (batch: RowBatch) =>
          writeBatch(writer, { batch, create: request.create, limits }, tally, counter);
        for (;;) {
          const batch = await nextRows(() => writer.pause());
          if (!batch) break;
          await write(batch);
        }
        tally.refuseWithoutTicks();
        await writer.finish();
      });
      await keepAnswer(sql, request, tally.answer());
      departure.ignore(); // the outcome of a commit that is broken off is unknown
      return tally.answer();
    }, {
      deadlineMs,
      waitMs: config.HOLDFAST_INGEST_LANE_WAIT_SECONDS * 1_000,
      signal: departure.signal,
    });
    if (!answer.replayed) committed(answer, tally.reasons);
    counter.commit();
    return answer;
  } catch (error) {
    throw sessions.explain(error);
  } finally {
    departure.ignore();
  }
}

/** Returns a signal that aborts when the client leaves, until `ignore` is called. */
function watchDeparture(client: AbortSignal | undefined): {
  signal: AbortSignal;
  ignore(): void;
} {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (client?.aborted) abort();
  else client?.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    ignore: () => client?.removeEventListener("abort", abort),
  };
}

/** Returns the next batch. A slow sender loses its lane when other uploads wait for one. */
async function nextBatch(
  source: RowSource,
  { pause, lanes, stallMs }: { pause: () => Promise<void>; lanes: Pool; stallMs: number },
): Promise<RowBatch | undefined> {
  let batch = await source.next(idleMs);
  if (batch !== "late") return batch;
  await pause();
  const waitEnds = performance.now() + stallMs;
  while ((batch = await source.next(pollMs)) === "late") {
    if (performance.now() < waitEnds || lanes.stats().waiting === 0) continue;
    throw new HoldfastError(
      "upload_stalled",
      "The rows come too slowly while other uploads wait; send them in smaller bodies",
    );
  }
  return batch;
}

async function writeBatch(
  writer: Writer,
  part: Parameters<Writer["write"]>[0][number],
  tally: Tally,
  counter: FeedCounter,
): Promise<void> {
  for (const { stored, refusals } of await writer.write([part])) {
    tally.add(stored, refusals);
    counter.add(part.batch.ticks, refusals);
  }
}

/** Returns the stored answer of an earlier upload with the same key and body; undefined when there is none. */
async function replayOf(
  sql: Sql,
  { idempotencyKey: key, fingerprint }: IngestRequest,
  nextRows: (pause: () => Promise<void>) => Promise<RowBatch | undefined>,
): Promise<IngestAnswer | undefined> {
  if (key === undefined) return undefined;
  const stored = (await claimAnswers(sql, [key])).get(key);
  if (!stored) return undefined;
  while (await nextRows(async () => {})); // the fingerprint covers the whole body
  const answer = replay(stored, fingerprint());
  if (answer instanceof HoldfastError) throw answer;
  return answer;
}

async function keepAnswer(
  sql: Sql,
  { idempotencyKey: key, fingerprint }: IngestRequest,
  answer: IngestAnswer,
): Promise<void> {
  if (key === undefined) return;
  await storeAnswers(sql, [{ key, fingerprint: fingerprint(), answer }]);
}
