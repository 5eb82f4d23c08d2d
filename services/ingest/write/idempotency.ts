import type { Sql } from "../../../db/connection.ts";
import { codeOf } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { claimKeys, readAnswers, type StoredAnswer } from "../../../db/market/idempotency.ts";
import { HoldfastError } from "../../../errors.ts";
import type { IngestAnswer } from "../upload.ts";

/**
 * Claims idempotency keys until the transaction ends. Returns the answers already stored under them; awaits `beforeReading`
 * when there are any. Throws `idempotency_in_flight` when another process holds one of the keys.
 */
export async function claimAnswers(
  sql: Sql,
  keys: readonly string[],
  beforeReading: () => Promise<void> = async () => {},
): Promise<Map<string, StoredAnswer>> {
  if (keys.length === 0) return new Map();
  const used = await claim(sql, keys);
  if (used.length === 0) return new Map();
  await beforeReading();
  return await readAnswers(sql, used);
}

async function claim(sql: Sql, keys: readonly string[]): Promise<string[]> {
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
