import { isUnreachable } from "../../../db/errors.ts";
import { type ErrorCode, HoldfastError } from "../../../errors.ts";

/** Faults that no upload of a group has brought in, and that trying each alone would only meet again. */
const ofAll: ReadonlySet<ErrorCode> = new Set([
  "storage_full",
  "database_read_only",
  "deadline_exceeded",
  "overloaded",
  "shutting_down",
]);

/** Says whether trying each upload alone could help: the fault may lie in one of them. */
export function isOfOne(error: HoldfastError): boolean {
  return !isUnreachable(error) && !ofAll.has(error.code);
}

/**
 * Stores each of a group that failed by itself, and answers for each, in order; for no longer than `withinMs`, since
 * others wait meanwhile, and no further than the first fault that all would meet.
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
  let given: HoldfastError | undefined;
  for (const upload of uploads) {
    if (!given && now() > ends) {
      given = new HoldfastError("overloaded", "No turn to be written came in time", {
        retryAfterSeconds: 1,
      });
    }
    const answer = given ?? await storeOne(upload);
    answers.push(answer);
    if (answer instanceof HoldfastError && !isOfOne(answer)) given = answer;
  }
  return answers;
}
