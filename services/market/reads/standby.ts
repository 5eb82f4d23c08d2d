import type { Sql } from "../../../db/connection.ts";
import { isUnreachable } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { readWalPosition, type WalPosition } from "../../../db/server/wal_position.ts";
import { HoldfastError } from "../../../errors.ts";
import { setDeadline } from "../../../lib/deadline.ts";
import {
  judgeFreshness,
  type PrimaryMarks,
  type Refusal,
  refusals,
  type StandbyPosition,
} from "./freshness.ts";

/** A server that may answer reads. */
export interface StandbyTarget {
  /** Host and port. */
  name: string;
  reads: Pick<Pool, "pipelinedTransaction" | "end">;
  /** One connection of its own, so that reads cannot hold up the polls. */
  polls: Pick<Pool, "run" | "end">;
}

/** A standby as reports show it. */
export interface StandbyReport {
  name: string;
  /** Why it gets no reads at present; null: it gets reads. */
  refusal: Refusal | null;
  /** Upper bound of what it is behind the primary, in seconds; null: unknown. */
  staleness_seconds: number | null;
  served: number;
  /** Reads that the primary answered because this standby could not, by reason. */
  fallen_back: Record<Refusal, number>;
}

/** What a standby answered, and how stale it is at most; milliseconds. */
export interface StandbyAnswer<T> {
  answer: T;
  staleMs: number;
}

/** Thrown within a read that the standby must not answer. */
class Unfit extends HoldfastError {
  constructor(readonly refusal: Refusal) {
    super("conflict", `The standby cannot be read: ${refusals[refusal]}`);
  }
}

/** Longest wait for a connection and the position of a standby, after which the primary is read; milliseconds. */
const positionMs = 1_000;
const pollMs = 2_000;

/** After these a standby gets no reads until a poll finds it fit; the others hold for one read or one bound only. */
const lasting: ReadonlySet<Refusal> = new Set([
  "unreachable",
  "late",
  "promoted",
  "other_cluster",
  "other_timeline",
]);

/** Returns why a read from a standby failed, from what it threw. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Unfit) return error.refusal;
  if (isUnreachable(error)) return "unreachable";
  if (error instanceof HoldfastError && error.code === "not_found") return "absent";
  if (!(error instanceof HoldfastError) || error.cause !== undefined) return "error";
  if (error.code === "overloaded") return "late";
  return error.code === "deadline_exceeded" ? "unreachable" : "error";
}

/** One standby: what its last poll found, what it answered, and the reads from it. */
export class Standby {
  readonly #target: StandbyTarget;
  readonly #now: () => number;
  #refusal: Refusal | undefined = "primary_unknown";
  #seen: StandbyPosition | undefined;
  /** It lacks nothing that was visible on the primary at this time; undefined: unknown. */
  #coversUntil: number | undefined;
  #served = 0;
  readonly #fallenBack = Object.fromEntries(
    Object.keys(refusals).map((refusal) => [refusal, 0]),
  ) as Record<Refusal, number>;

  constructor(target: StandbyTarget, now: () => number) {
    this.#target = target;
    this.#now = now;
  }

  get name(): string {
    return this.#target.name;
  }

  /** Returns why it is not asked for a read of this bound; undefined: it is asked. */
  refusalFor(boundMs: number): Refusal | undefined {
    const staleMs = this.#staleMs();
    return this.#refusal ?? (staleMs !== undefined && staleMs <= boundMs ? undefined : "stale");
  }

  /** Reads its position and judges it. Returns why it gets no reads from now on, and the error behind that. */
  async poll(
    known: () => PrimaryMarks,
    boundMs: number,
  ): Promise<{ refusal?: Refusal; error?: unknown }> {
    try {
      const { polls } = this.#target;
      const options = { deadlineMs: pollMs, signal: null };
      const position = await polls.run((sql) => this.#ask(sql), options);
      const judged = judgeFreshness(known(), position, { boundMs, seen: this.#seen });
      this.#seen = position;
      if ("staleMs" in judged) {
        this.#refusal = undefined;
        this.#coverUntil(position.askedAt - judged.staleMs);
        return {};
      }
      this.#refusal = judged.refusal;
      if (lasting.has(judged.refusal)) this.#coversUntil = undefined; // of another history
      return { refusal: judged.refusal };
    } catch (error) {
      this.#refusal = refusalOf(error);
      return { refusal: this.#refusal, error };
    }
  }

  /**
   * Runs `work` after reading the position in the same transaction and the same round trip. Throws if the standby must not
   * answer, or fails; `refusalOf` says why. What was sent then ends by itself.
   */
  async read<T>(
    work: (sql: Sql) => Promise<T>,
    known: () => PrimaryMarks,
    boundMs: number,
  ): Promise<StandbyAnswer<T>> {
    const refused = Promise.withResolvers<never>();
    refused.promise.catch(() => {}); // thrown below, unless the read has ended before
    let isLate = false;
    const onTime = setDeadline(positionMs, () => {
      isLate = true;
      refused.reject(new Unfit("late"));
    });
    let after: Promise<WalPosition> | undefined;
    const reading = this.#target.reads.pipelinedTransaction(async (sql) => {
      if (isLate) throw new Unfit("late");
      const asking = this.#ask(sql);
      // Sent at once; its snapshot is taken after the position was read.
      const answering = work(sql);
      answering.catch(() => {}); // thrown below
      try {
        const position = await asking;
        onTime();
        const judged = judgeFreshness(known(), position, { boundMs, seen: this.#seen });
        if ("refusal" in judged) throw new Unfit(judged.refusal);
        const { staleMs } = judged;
        this.#coverUntil(position.askedAt - staleMs);
        const answer = await answering;
        // One that is promoted meanwhile may show what its primary never had.
        after = readWalPosition(sql);
        return { answer: { answer, staleMs }, last: [after] };
      } catch (error) {
        refused.reject(error);
        await answering.catch(() => {}); // it must send nothing after the rollback
        throw error;
      }
    });
    try {
      const read = await Promise.race([reading, refused.promise]);
      if (!(await after)?.inRecovery) throw new Unfit("promoted");
      this.#served++;
      return read;
    } catch (error) {
      const refusal = refusalOf(error);
      if (lasting.has(refusal)) this.#refusal = refusal;
      throw error;
    } finally {
      onTime();
      reading.catch(() => {});
    }
  }

  /** Counts a read that the primary answers in its place. */
  noteFallback(refusal: Refusal): void {
    this.#fallenBack[refusal]++;
  }

  report(): StandbyReport {
    const staleMs = this.#staleMs();
    return {
      name: this.name,
      refusal: this.#refusal ?? null,
      staleness_seconds: staleMs === undefined ? null : staleMs / 1000,
      served: this.#served,
      fallen_back: { ...this.#fallenBack },
    };
  }

  async end(): Promise<void> {
    await Promise.all([this.#target.reads.end(), this.#target.polls.end()]);
  }

  #staleMs(): number | undefined {
    return this.#coversUntil === undefined
      ? undefined
      : Math.max(0, this.#now() - this.#coversUntil);
  }

  async #ask(sql: Sql): Promise<StandbyPosition> {
    const askedAt = this.#now();
    const position = await readWalPosition(sql);
    return { ...position, askedAt, answeredAt: this.#now() };
  }

  #coverUntil(at: number): void {
    this.#coversUntil = Math.max(this.#coversUntil ?? -Infinity, at);
  }
}
