import { isPartAway, isUnreachable, leftNothing } from "../../../db/errors.ts";
import { type ErrorCode, HoldfastError } from "../../../errors.ts";
import { noLaneInTime } from "./group_commit.ts";

/** Faults that every upload of a group would meet again. */
const common: ReadonlySet<ErrorCode> = new Set([
  "storage_full",
  "database_read_only",
  "deadline_exceeded",
  "overloaded",
  "shutting_down",
]);

/**
 * Says whether a fault of a group may be caused by one of its uploads, so that storing each alone can help. Where a node of
 * the database is away, it helps those whose rows are on other nodes; but only if nothing of the group was stored.
 */
export function mayConcernOne(error: HoldfastError): boolean {
  if (isPartAway(error)) return leftNothing(error);
  return !isUnreachable(error) && !common.has(error.code);
}

/**
 * Stores each upload of a failed group alone and returns an answer for each, in order. Stops at the first fault that all
 * would meet, and after `withinMs`, because other uploads wait for the lane; the rest get that fault or `overloaded`.
 */
export async function storeApart<Upload, Answer>(
  uploads: readonly Upload[],
  { storeOne, withinMs, now = () => performance.now() }: {
    storeOne(upload: Upload): Promise<Answer | HoldfastError>;
    withinMs: number;
    now?: () => number;
  },
): Promise<(Answer | HoldfastError)[]> {
  const ends = now() + withinMs;
  const answers: (Answer | HoldfastError)[] = [];
  let fault: HoldfastError | undefined;
  for (const upload of uploads) {
    if (!fault && now() > ends) fault = noLaneInTime();
    const answer = fault ?? await storeOne(upload);
    answers.push(answer);
    if (answer instanceof HoldfastError && !mayConcernOne(answer)) fault = answer;
  }
  return answers;
}
