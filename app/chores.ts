import { describeDatabaseError } from "../db/errors.ts";
import type { Logger } from "../log.ts";

/** Does regular jobs one after the other: what one of them throws is logged, and keeps no other from being done. */
export async function doEach(
  jobs: Readonly<Record<string, () => unknown>>,
  log: Logger,
): Promise<void> {
  for (const [job, work] of Object.entries(jobs)) {
    try {
      await work();
    } catch (error) {
      log.error("regular_job_failed", { job, error: describeDatabaseError(error) });
    }
  }
}
