import type { Config } from "../../config.ts";
import type { Sql } from "../../db/connection.ts";
import { codeOf, toHoldfastError } from "../../db/errors.ts";
import { claimKey, storeAnswer, type StoredAnswer } from "../../db/market/idempotency.ts";
import type { Pool } from "../../db/pool.ts";
import { allowIdle } from "../../db/transaction.ts";
import { HoldfastError, type InputProblem } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import type { Rotation } from "../partitions/rotation.ts";
import type { Feeds } from "./feeds.ts";
import type { SymbolDirectory } from "./symbols.ts";
import type { ParsedTick, Refusal, RowBatch } from "./tick.ts";
import { createWriter } from "./writer.ts";

const problemsShown = 20;
/** A body that starts with this many bad rows and no good one is no tick file. */
const hopelessRows = 1_000;

export interface IngestRequest {
  batches: AsyncIterable<RowBatch>;
  create: boolean;
  backfill: boolean;
  idempotencyKey: string | undefined;
  /** What the body was; complete once the batches have been read. */
  fingerprint: () => string;
}

export interface IngestAnswer {
  accepted: number;
  quarantined: number;
  replayed: boolean;
  /** The first refused rows, when any were. */
  errors?: InputProblem[];
}

export interface IngestCounters {
  accepted: number;
  quarantined: number;
  byReason: Record<string, number>;
  lanes: { active: number; waiting: number };
}

export interface Ingest {
  /** Stores an upload whole or not at all; answers after commit. */
  ingest(request: IngestRequest): Promise<IngestAnswer>;
  /**
   * Runs `work` in one transaction with a way to store ticks that answers those it refuses, by their lines, instead
   * of putting them in the quarantine.
   */
  rewrite<T>(
    options: { create: boolean; backfill: boolean },
    work: (sql: Sql, write: (ticks: ParsedTick[]) => Promise<Refusal[]>) => Promise<T>,
  ): Promise<T>;
  counters(): IngestCounters;
}

type IngestConfig = Pick<
  Config,
  | "HOLDFAST_INGEST_DEADLINE_SECONDS"
  | "HOLDFAST_FUTURE_LIMIT_SECONDS"
  | "HOLDFAST_BACKFILL_HORIZON_DAYS"
>;

/** Running counts of one upload, and the judgement whether its body was ticks at all. */
function createTally() {
  let accepted = 0;
  let quarantined = 0;
  let malformed = 0;
  const problems: InputProblem[] = [];
  const reasons: Record<string, number> = {};
  return {
    add(stored: number, refusals: readonly Refusal[]): void {
      accepted += stored;
      quarantined += refusals.length;
      for (const { line, path, message, reason, malformed: bad } of refusals) {
        if (bad) malformed++;
        reasons[reason] = (reasons[reason] ?? 0) + 1;
        if (problems.length < problemsShown) problems.push({ line, path, message });
      }
      if (quarantined >= hopelessRows) this.refuseHopeless();
    },
    /** A body with not one well-formed row is the sender's mistake: refused whole, nothing stored. */
    refuseHopeless(): void {
      if (accepted > 0 || quarantined === 0 || malformed < quarantined) return;
      const first = problems[0];
      throw new HoldfastError(
        "malformed_body",
        `No row of the body is a tick; line ${first?.line}: ${first?.message}`,
        { problems },
      );
    },
    reasons,
    answer: (): IngestAnswer => ({
      accepted,
      quarantined,
      replayed: false,
      ...(quarantined > 0 ? { errors: problems } : {}),
    }),
  };
}

/** Takes ticks in: judged, written by COPY with their candles, counted, exactly once per idempotency key. */
export function createIngest(
  { pool, rotation, directory, feeds, config, clock }: {
    /** The uploads' own: each of its connections is a lane, and its queue is theirs. */
    pool: Pool;
    rotation: Rotation;
    directory: SymbolDirectory;
    feeds: Feeds;
    config: IngestConfig;
    clock: Clock;
  },
): Ingest {
  const counters = { accepted: 0, quarantined: 0, byReason: {} as Record<string, number> };

  function count({ accepted, quarantined }: IngestAnswer, reasons: Record<string, number>): void {
    counters.accepted += accepted;
    counters.quarantined += quarantined;
    for (const [reason, rows] of Object.entries(reasons)) {
      counters.byReason[reason] = (counters.byReason[reason] ?? 0) + rows;
    }
  }

  const writerFor = (sql: Sql, create: boolean, backfill: boolean, keepRefused = false) =>
    createWriter(sql, {
      directory,
      rotation,
      create,
      keepRefused,
      limits: {
        nowUs: clock.now().getTime() * 1000,
        futureSeconds: config.HOLDFAST_FUTURE_LIMIT_SECONDS,
        horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
        backfill,
      },
    });

  async function inTransaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      const deadlineMs = config.HOLDFAST_INGEST_DEADLINE_SECONDS * 1000;
      return await pool.transaction(async (sql) => {
        await allowIdle(sql, deadlineMs);
        return await work(sql);
      }, { deadlineMs });
    } catch (error) {
      throw explain(error);
    }
  }

  function explain(error: unknown): HoldfastError {
    const known = toHoldfastError(error);
    if (known.cause === undefined) return known;
    directory.forget(); // a rollback may have undone instruments this upload created
    const state = codeOf(known);
    // A check_violation from COPY: a leaf we believed in was detached. A foreign_key_violation: ids from a cache
    // that outlived a restored database. Both are looked up again next time.
    if (state !== "23514" && state !== "23503") return known;
    rotation.forget();
    return new HoldfastError(
      "database_unavailable",
      "The partitions changed under this upload; try again",
      { retryAfterSeconds: 1, cause: known.cause },
    );
  }

  async function claim(sql: Sql, key: string): Promise<StoredAnswer | "claimed"> {
    try {
      return await claimKey(sql, key);
    } catch (error) {
      if (codeOf(error) !== "55P03") throw error; // lock_not_available: the first one has not ended yet
      throw new HoldfastError(
        "idempotency_in_flight",
        "An upload with this Idempotency-Key is still running",
        {
          retryAfterSeconds: 2,
          cause: error,
        },
      );
    }
  }

  /** The first answer again, once the body is known to be the same. */
  async function replay(request: IngestRequest, stored: StoredAnswer): Promise<IngestAnswer> {
    for await (const _ of request.batches); // the fingerprint needs the whole body
    if (stored.fingerprint !== request.fingerprint()) {
      throw new HoldfastError(
        "idempotency_key_reused",
        "This Idempotency-Key was used for another body; use a new key for new ticks",
      );
    }
    return { ...(stored.answer as IngestAnswer), replayed: true };
  }

  return {
    async ingest(request) {
      const { idempotencyKey: key, create, backfill } = request;
      const tally = createTally();
      const note = feeds.begin();
      const answer = await inTransaction(async (sql) => {
        const stored = key === undefined ? "claimed" : await claim(sql, key);
        if (stored !== "claimed") return await replay(request, stored);
        const writer = writerFor(sql, create, backfill);
        for await (const batch of request.batches) {
          const { stored: rows, refusals } = await writer.write(batch);
          tally.add(rows, refusals);
          note.add(batch.ticks, refusals);
        }
        tally.refuseHopeless();
        await writer.finish();
        if (key !== undefined) {
          await storeAnswer(sql, {
            key,
            fingerprint: request.fingerprint(),
            answer: tally.answer(),
          });
        }
        return tally.answer();
      });
      if (!answer.replayed) count(answer, tally.reasons);
      note.commit();
      return answer;
    },
    async rewrite({ create, backfill }, work) {
      let accepted = 0;
      const note = feeds.begin();
      const result = await inTransaction(async (sql) => {
        const writer = writerFor(sql, create, backfill, true);
        const done = await work(sql, async (ticks) => {
          const { stored, refusals } = await writer.write({ ticks, refusals: [] });
          const refused = new Set(refusals.map(({ line }) => line));
          accepted += stored;
          note.add(ticks.filter(({ line }) => !refused.has(line)), []);
          return refusals;
        });
        await writer.finish();
        return done;
      });
      counters.accepted += accepted;
      note.commit();
      return result;
    },
    counters() {
      const { active, waiting } = pool.stats();
      return { ...counters, byReason: { ...counters.byReason }, lanes: { active, waiting } };
    },
  };
}
