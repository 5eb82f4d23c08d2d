import { codeOf, constraintOf, toHoldfastError } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { HoldfastError } from "../../../errors.ts";

/** Why an upload's transaction failed, and which caches can no longer be trusted. */
export interface UploadFault {
  error: HoldfastError;
  /** The transaction was rolled back, and with it the instruments that the upload created. */
  staleSymbols: boolean;
  /** A partition or an instrument that the caches name no longer exists. */
  stalePartitions: boolean;
}

/** Explains what ended an upload's transaction. Pure. */
export function faultOf(thrown: unknown): UploadFault {
  const error = toHoldfastError(thrown);
  if (error.cause === undefined) return { error, staleSymbols: false, stalePartitions: false };
  const state = codeOf(error);
  if (state === sqlState.checkViolation) { // check_violation
    return {
      error: refusedByCheck(constraintOf(error), error.cause),
      staleSymbols: true,
      stalePartitions: true,
    };
  }
  if (state === sqlState.foreignKeyViolation) { // foreign_key_violation: a restored database no longer has a cached id
    const gone = new HoldfastError(
      "database_unavailable",
      "An instrument of this upload no longer exists; try again",
      { retryAfterSeconds: 1, cause: error.cause },
    );
    return { error: gone, staleSymbols: true, stalePartitions: true };
  }
  if (state === sqlState.deadlockDetected) {
    const waited = new HoldfastError(
      "lock_timeout",
      "This upload and another one each waited for candles that the other had changed; nothing of this one is stored; send it again",
      { retryAfterSeconds: 1, cause: error.cause },
    );
    return { error: waited, staleSymbols: true, stalePartitions: false };
  }
  return { error, staleSymbols: true, stalePartitions: false };
}

function refusedByCheck(constraint: string | undefined, cause: unknown): HoldfastError {
  if (constraint !== undefined) {
    return new HoldfastError(
      "database_error",
      `The check constraint "${constraint}" refuses a row of this upload; nothing of it is stored`,
      { cause },
    );
  }
  // A check_violation without a constraint means that a partition was detached.
  return new HoldfastError(
    "database_unavailable",
    "The partitions changed during this upload; try again",
    { retryAfterSeconds: 1, cause },
  );
}
