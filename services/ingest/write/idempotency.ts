import type { Sql } from "../../../db/connection.ts";
import { codeOf } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { claimKeys, type StoredAnswer } from "../../../db/market/idempotency.ts";
import { HoldfastError } from "../../../errors.ts";
import type { IngestAnswer } from "../upload.ts";

/**
 * Claims idempotency keys until the transaction ends. Returns the answers already stored under them. Throws
 * `idempotency_in_flight` when another process holds one of the keys.
 */
export async function claimAnswers(
  sql: Sql,
  keys: readonly string[],
): Promise<Map<string, StoredAnswer>> {
  if (keys.length === 0) return new Map();
  try {
    return await claimKeys(sql, keys);
  } catch (error) {
    if (codeOf(error) !== sqlState.lockNotAvailable) throw error; // lock_not_available
    throw new HoldfastError(
      "idempotency_in_flight",
      "Another upload with this Idempotency-Key is still running, or its record is locked",
      { retryAfterSeconds: 2, cause: error },
    );
  }
}

/** Returns a stored answer as a replay, or `idempotency_key_reused` when it belongs to another body. Pure. */
export function replay(stored: StoredAnswer, fingerprint: string): IngestAnswer | HoldfastError {
  if (stored.fingerprint === fingerprint) {
    return { ...(stored.answer as IngestAnswer), replayed: true };
  }
  return new HoldfastError(
    "idempotency_key_reused",
    "This Idempotency-Key was used for another body; use a new key for new ticks",
  );
}
