import type { Sql } from "../../../db/connection.ts";
import { codeOf } from "../../../db/errors.ts";
import { type Verdict, verifySealed } from "./verify.ts";
import { sqlState } from "../../../db/sql_state.ts";

/** Says whether a sealed leaf of a restored copy is damaged; missing triggers do no harm there. */
const harmed = ({ status }: Verdict) => status !== "intact" && status !== "open";

/**
 * Compares the sealed leaves of a restored copy with the manifests it holds itself, until a time of performance.now().
 * Names each that is not what was sealed.
 */
export async function checkRestoredSeals(
  sql: Sql,
  deadline: number,
): Promise<{ problems: string[]; notes: string[] }> {
  let leaves = 0;
  try {
    const verdicts = await verifySealed(sql, {
      goesOn: () => performance.now() < deadline,
      onProgress: (progress) => leaves = progress.leaves,
    });
    const left = leaves - verdicts.length;
    const rows = verdicts.reduce((sum, verdict) => sum + (verdict.rows ?? 0), 0);
    return {
      problems: verdicts.filter(harmed).map(({ partition, status, problems }) =>
        `sealed partition ${partition} is ${status}: ${problems.slice(0, 3).join("; ")}`
      ),
      notes: leaves === 0 ? [] : [
        `${verdicts.length} sealed partitions read, ${rows} rows` +
        (left > 0 ? `; ${left} were left out because of the time limit` : ""),
      ],
    };
  } catch (error) {
    // A copy from before seals existed has no table of them.
    if (codeOf(error) === sqlState.undefinedTable) return { problems: [], notes: [] };
    throw error;
  }
}
