import type { HoldfastProblem } from "../../client/problem.ts";
import { isWorthRetrying } from "../../client/retry.ts";
import { HoldfastError } from "../../errors.ts";

const reasonMax = 200;

/** Returns code and detail of a problem on one line. */
export function reasonOf({ status, code, message }: HoldfastProblem): string {
  const text = status === 0 ? message : `${code}: ${message}`;
  return text.replaceAll(/\s+/g, " ").slice(0, reasonMax);
}

/**
 * Returns the error of a command whose request failed: that it gave up, when a later attempt could have succeeded, or
 * otherwise what `describe` returns.
 */
export function refusalOf(
  problem: HoldfastProblem,
  describe: (problem: HoldfastProblem) => HoldfastError,
): HoldfastError {
  if (!isWorthRetrying(problem, true)) return describe(problem);
  const tries = problem.retries + 1;
  return new HoldfastError(
    "database_unavailable",
    `Gave up after ${tries} ${tries === 1 ? "try" : "tries"}: ${reasonOf(problem)}`,
    { cause: problem },
  );
}
