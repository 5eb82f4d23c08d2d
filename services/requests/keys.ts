import { randomUUID } from "node:crypto";
import type { Pool } from "../../db/pool/pool.ts";
import {
  claimKey,
  forgetRequestKeys,
  giveUpKey,
  keepAnswer,
  type KeptAnswer,
  type KeyName,
} from "../../db/requests/keys.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import { dropOldest } from "../../lib/bounded.ts";
import type { Logger } from "../../log.ts";

/** How a request under a key ended: with an answer to keep, without having done anything, or nobody knows how. */
export type Outcome = KeptAnswer | "nothing done" | "unknown";

export interface RequestKeys {
  /**
   * Runs `work` once for a key, whoever sends it again and to whichever instance; answers what was answered first for a
   * key used before. Throws `idempotency_key_reused` for another request under the key, `idempotency_in_flight` while
   * the first one runs, and `idempotency_outcome_unknown` where it ended without an answer.
   */
  once(
    name: KeyName,
    fingerprint: string,
    work: () => Promise<Outcome>,
  ): Promise<KeptAnswer | undefined>;
  /** Forgets what is older than `days`, and the oldest of too many; answers how many. */
  forget(days: number): Promise<number>;
}

/** Longer than any request takes: after that a claim of another process is an orphan's. */
export const claimSeconds = 600;
const lostMax = 10_000;

const idOf = ({ path, key }: KeyName) => JSON.stringify([path, key]);
/** Keys that are kept at most, whatever their age. */
export const keysMax = 100_000;
const answerBytesMax = 1024 * 1024;

/** Keys of requests and what was answered under them, in the database: they outlast a restart and hold for all instances. */
export function createRequestKeys(
  { pool, log, keep = keysMax }: { pool: Pool; log: Logger; keep?: number },
): RequestKeys {
  const claimedBy = randomUUID();
  /** Requests that run here, by path and key. */
  const running = new Set<string>();
  /** Requests that ended here without an answer that is kept, the newest `lostMax`. */
  const lost = new Set<string>();

  function lose(name: KeyName): void {
    lost.add(idOf(name));
    dropOldest(lost, lostMax);
  }

  async function end(name: KeyName, outcome: Outcome): Promise<void> {
    if (outcome === "unknown") return lose(name);
    try {
      await pool.run((sql) =>
        outcome === "nothing done"
          ? giveUpKey(sql, name, claimedBy)
          : keepAnswer(sql, name, claimedBy, outcome)
      );
    } catch (error) {
      // The work is done and answered; the same key is answered with idempotency_outcome_unknown from now on.
      lose(name);
      log.warn("idempotency_key_not_kept", { path: name.path, error: messageOf(error) });
    }
  }

  return {
    async once(name, fingerprint, work) {
      const used = await pool.run((sql) => claimKey(sql, name, { fingerprint, claimedBy }));
      const id = idOf(name);
      if (used) {
        if (used.fingerprint !== fingerprint) {
          throw new HoldfastError(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request to this path; use a new key",
            { problems: [{ path: "idempotency-key", message: "was used for another request" }] },
          );
        }
        if (used.answer) return used.answer;
        const runs = used.claimed_by === claimedBy
          // A request that is claimed and not running has not resumed yet, or has ended since its row was read.
          ? running.has(id) || !lost.has(id) && used.age_seconds < claimSeconds
          : used.age_seconds < claimSeconds;
        if (runs) {
          throw new HoldfastError(
            "idempotency_in_flight",
            "A request with this Idempotency-Key is still running; ask again for its answer",
            { retryAfterSeconds: 1 },
          );
        }
        throw new HoldfastError(
          "idempotency_outcome_unknown",
          "The request with this Idempotency-Key ended without an answer that could be kept; check whether it was done, and send it with a new key if it was not",
        );
      }
      running.add(id);
      try {
        let outcome: Outcome = "unknown";
        try {
          outcome = await work();
        } finally {
          const tooLarge = typeof outcome === "object" && outcome.body.length > answerBytesMax;
          await end(name, tooLarge ? "unknown" : outcome);
        }
      } finally {
        running.delete(id);
      }
      return undefined;
    },
    forget: (days) => pool.run((sql) => forgetRequestKeys(sql, { days, keep, limit: 10_000 })),
  };
}
