import type { Config } from "../../../config/config.ts";
import type { Sql } from "../../../db/connection.ts";
import { CopyEncoder } from "../../../db/copy.ts";
import { codeOf, constraintOf, isUnreachable, toHoldfastError } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { claimKeys, storeAnswers, type StoredAnswer } from "../../../db/market/idempotency.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { allowIdle } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Rotation } from "../../partitions/rotation.ts";
import { isOfOne, storeApart } from "./isolation.ts";
import type { RowFeed } from "./row_source.ts";
import type { FeedNote, Feeds } from "../judge/feeds.ts";
import type { FirewallLimits } from "../judge/firewall.ts";
import type { SmallUpload } from "./groups.ts";
import type { SymbolDirectory } from "../judge/symbols.ts";
import type { RowBatch } from "../tick.ts";
import { createTally, type IngestAnswer, type IngestRequest, type Tally } from "../upload.ts";
import { createWriter, type Writer } from "./writer.ts";

/** A sender that pauses this long gets its COPY ended, so that no statement waits for it. */
const idleMs = 250;
/** How often one that pauses longer is asked whether others wait for its lane. */
const lookMs = 500;
/** Encoders kept for the next upload; each holds about a batch. */
const encodersKept = 8;

export type StoreConfig = Pick<
  Config,
  | "HOLDFAST_INGEST_DEADLINE_SECONDS"
  | "HOLDFAST_INGEST_LANE_WAIT_SECONDS"
  | "HOLDFAST_INGEST_STALL_SECONDS"
  | "HOLDFAST_FUTURE_LIMIT_SECONDS"
  | "HOLDFAST_BACKFILL_HORIZON_DAYS"
  | "HOLDFAST_STATEMENT_TIMEOUT_MS"
>;

/** What was stored, once it is committed: told to the counters. */
export type Committed = (answer: IngestAnswer, reasons: Record<string, number>) => void;

function inFlight(cause: unknown): HoldfastError {
  return new HoldfastError(
    "idempotency_in_flight",
    "An upload with this Idempotency-Key has not ended, or its record is locked",
    { retryAfterSeconds: 2, cause },
  );
}

function replayed(stored: StoredAnswer, fingerprint: string): IngestAnswer | HoldfastError {
  if (stored.fingerprint === fingerprint) {
    return { ...(stored.answer as IngestAnswer), replayed: true };
  }
  return new HoldfastError(
    "idempotency_key_reused",
    "This Idempotency-Key was used for another body; use a new key for new ticks",
  );
}

/** Writes uploads to the database, each whole or not at all, each once per idempotency key. */
export function createStore(
  { streams, groups, rotation, directory, feeds, config, clock, committed, failed }: {
    /** Connections of large uploads, and of groups of small ones: neither can starve the other. */
    streams: Pool;
    groups: Pool;
    rotation: Rotation;
    directory: SymbolDirectory;
    feeds: Feeds;
    config: StoreConfig;
    clock: Clock;
    committed: Committed;
    /** Told why a transaction ended without a commit. */
    failed: (error: HoldfastError) => void;
  },
) {
  const encoders: [CopyEncoder, CopyEncoder][] = [];

  function limits(backfill: boolean): FirewallLimits {
    return {
      nowUs: clock.now().getTime() * 1000,
      futureSeconds: config.HOLDFAST_FUTURE_LIMIT_SECONDS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
      backfill,
    };
  }

  /** Runs `work` with a writer on `sql`; what it left running is broken off when it fails. */
  async function withWriter<T>(
    sql: Sql,
    work: (writer: Writer) => Promise<T>,
    keepRefused = false,
  ): Promise<T> {
    const pair = encoders.pop() ?? [new CopyEncoder(), new CopyEncoder()];
    const writer = createWriter(sql, { directory, rotation, encoders: pair, keepRefused });
    try {
      const result = await work(writer);
      if (encoders.length < encodersKept) encoders.push(pair);
      return result;
    } catch (error) {
      if (!isUnreachable(error)) await writer.abort();
      throw error;
    }
  }

  function explain(error: unknown): HoldfastError {
    const known = toHoldfastError(error);
    failed(known);
    if (known.cause === undefined) return known;
    directory.forget(); // a rollback may have undone instruments this upload created
    const state = codeOf(known);
    if (state !== sqlState.checkViolation && state !== sqlState.foreignKeyViolation) return known;
    rotation.forget();
    const constraint = constraintOf(known);
    if (state === sqlState.checkViolation && constraint !== undefined) {
      return new HoldfastError(
        "database_error",
        `The check constraint "${constraint}" refuses a row of this upload; nothing of it is stored`,
        { cause: known.cause },
      );
    }
    // A check_violation of no constraint: a leaf we believed in was detached. A foreign_key_violation: ids from a cache
    // that outlived a restored database. Both are looked up again next time.
    return new HoldfastError(
      "database_unavailable",
      state === sqlState.checkViolation
        ? "The partitions changed under this upload; try again"
        : "An instrument of this upload is not there any more; try again",
      { retryAfterSeconds: 1, cause: known.cause },
    );
  }

  async function claim(sql: Sql, keys: readonly string[]): Promise<Map<string, StoredAnswer>> {
    try {
      return await claimKeys(sql, keys);
    } catch (error) {
      // lock_not_available: another process has not ended with one of them.
      throw codeOf(error) === sqlState.lockNotAvailable ? inFlight(error) : error;
    }
  }

  /** The next rows of an upload that has a lane; it loses the lane when it is slow and others wait for one. */
  async function nextRows(
    feed: RowFeed,
    pausing: () => Promise<void>,
  ): Promise<RowBatch | undefined> {
    let batch = await feed.next(idleMs);
    if (batch !== "late") return batch;
    await pausing();
    const waitEnds = performance.now() + config.HOLDFAST_INGEST_STALL_SECONDS * 2_000;
    while ((batch = await feed.next(lookMs)) === "late") {
      if (performance.now() < waitEnds || streams.stats().waiting === 0) continue;
      throw new HoldfastError(
        "upload_stalled",
        "The rows come too slowly while other uploads wait; send them in smaller bodies",
      );
    }
    return batch;
  }

  /** The rest of a large upload, batch by batch, at the pace of the slower of sender and server. */
  async function writeFeed(
    writer: Writer,
    feed: RowFeed,
    request: IngestRequest,
    tally: Tally,
    note: FeedNote,
  ): Promise<void> {
    const judgedBy = { create: request.create, limits: limits(request.backfill) };
    const put = async (batch: RowBatch) => {
      for (const { stored, refusals } of await writer.write([{ batch, ...judgedBy }])) {
        tally.add(stored, refusals);
        note.add(batch.ticks, refusals);
      }
    };
    for (;;) {
      const batch = await nextRows(feed, () => writer.pause());
      if (!batch) return;
      await put(batch);
    }
  }

  async function storeFeed(feed: RowFeed, request: IngestRequest): Promise<IngestAnswer> {
    const { idempotencyKey: key } = request;
    const tally = createTally();
    const note = feeds.begin();
    const deadlineMs = config.HOLDFAST_INGEST_DEADLINE_SECONDS * 1000;
    const left = new AbortController();
    const leave = () => left.abort();
    const stay = () => request.signal?.removeEventListener("abort", leave);
    if (request.signal?.aborted) leave();
    else request.signal?.addEventListener("abort", leave);
    try {
      const answer = await streams.transaction(async (sql) => {
        await allowIdle(sql, deadlineMs);
        const before = key === undefined ? undefined : (await claim(sql, [key])).get(key);
        if (before) {
          while (await nextRows(feed, async () => {})); // the fingerprint needs the whole body
          const again = replayed(before, request.fingerprint());
          if (again instanceof HoldfastError) throw again;
          return again;
        }
        await withWriter(sql, async (writer) => {
          await writeFeed(writer, feed, request, tally, note);
          tally.refuseHopeless();
          await writer.finish();
        });
        if (key !== undefined) {
          const fingerprint = request.fingerprint();
          await storeAnswers(sql, [{ key, fingerprint, answer: tally.answer() }]);
        }
        stay(); // whether a commit that is broken off came about, nobody could say
        return tally.answer();
      }, {
        deadlineMs,
        waitMs: config.HOLDFAST_INGEST_LANE_WAIT_SECONDS * 1_000,
        signal: left.signal,
      });
      if (!answer.replayed) committed(answer, tally.reasons);
      note.commit();
      return answer;
    } catch (error) {
      throw explain(error);
    } finally {
      stay();
    }
  }

  /** One transaction, one COPY, for all of `uploads`. */
  async function storeTogether(
    uploads: readonly SmallUpload[],
  ): Promise<(IngestAnswer | HoldfastError)[]> {
    const note = feeds.begin();
    const results = await groups.transaction(async (sql) => {
      const keys = uploads.flatMap(({ key }) => key ?? []);
      const before = keys.length > 0 ? await claim(sql, keys) : new Map<string, StoredAnswer>();
      const fresh = uploads.filter(({ key }) => key === undefined || !before.has(key));
      const written = await withWriter(sql, async (writer) => {
        const parts = await writer.write(fresh.map(({ batch, create, backfill }) => ({
          batch,
          create,
          limits: limits(backfill),
        })));
        await writer.finish();
        return parts;
      });
      const tallies = new Map(fresh.map((upload, at) => {
        const tally = createTally();
        const { stored, refusals } = written[at] ?? { stored: 0, refusals: [] };
        tally.add(stored, refusals);
        note.add(upload.batch.ticks, refusals);
        return [upload, tally];
      }));
      await storeAnswers(
        sql,
        [...tallies].flatMap(([{ key, fingerprint }, tally]) =>
          key === undefined ? [] : { key, fingerprint: fingerprint(), answer: tally.answer() }
        ),
      );
      return uploads.map((upload) => {
        const tally = tallies.get(upload);
        if (tally) return { answer: tally.answer(), reasons: tally.reasons };
        const stored = upload.key === undefined ? undefined : before.get(upload.key);
        if (!stored) throw new Error("An upload of a group was neither stored nor replayed");
        return { answer: replayed(stored, upload.fingerprint()), reasons: {} };
      });
    });
    note.commit();
    for (const { answer, reasons } of results) {
      if (!(answer instanceof HoldfastError) && !answer.replayed) committed(answer, reasons);
    }
    return results.map(({ answer }) => answer);
  }

  return {
    storeFeed,
    limits,
    explain,
    withWriter,
    /** Writes small uploads together; when that fails for a reason that may be one's own, each alone. */
    async storeGroup(uploads: readonly SmallUpload[]): Promise<(IngestAnswer | HoldfastError)[]> {
      try {
        return await storeTogether(uploads);
      } catch (error) {
        const known = explain(error);
        if (uploads.length === 1 || !isOfOne(known)) throw known;
      }
      return await storeApart(uploads, {
        withinMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
        async storeOne(upload) {
          const [answer] = await storeTogether([upload]).catch((error) => [explain(error)]);
          if (!answer) throw new Error("An upload was stored without an answer");
          return answer;
        },
      });
    },
  };
}
