import type { Change as ServerChange } from "../../db/history/changes.ts";
import type { BackupRecord } from "../backups/record.ts";
import { type Advice, canRehearse, type RehearsalInput, upgradeBinOf } from "./request.ts";
import type { Rehearsal } from "./rehearsal.ts";

/** Most rehearsals after one restore drill. */
export const afterDrillMax = 5;

/**
 * Rehearsed first after each drill: fresh statistics are a change that production makes by itself, and the rehearsal reads
 * the plans and the missing indexes of the day also when there is no advice.
 */
const freshStatistics = "analyze";

/**
 * Returns what to rehearse next since the newest backup was restored on trial; undefined when nothing is due. `rehearsals`
 * are newest first. Each change is tried once after each drill, also when its rehearsal fails. Pure.
 */
export function dueAfterDrill(
  { newest, rehearsals, advice, upgrade }: {
    newest: Pick<BackupRecord, "proof"> | undefined;
    rehearsals: readonly Pick<Rehearsal, "created_at" | "change" | "recommendation">[];
    advice: readonly (Advice & { id: string })[];
    /** The directory of a newer major version, whose upgrade is rehearsed before the advice. */
    upgrade?: string | undefined;
  },
): RehearsalInput | undefined {
  const proof = newest?.proof;
  if (!proof || proof.problems.length > 0) return undefined;
  const since = rehearsals.filter(({ created_at }) =>
    Date.parse(created_at) >= Date.parse(proof.at)
  );
  if (since.length >= afterDrillMax) return undefined;
  if (!since.some(({ change }) => change === freshStatistics)) return { sql: freshStatistics };
  const isTried = since.some(({ change }) => upgradeBinOf(change) === upgrade);
  if (upgrade !== undefined && !isTried) return { to_bin: upgrade };
  const rehearsed = new Set(since.map(({ recommendation }) => recommendation));
  const next = advice.find((one) => canRehearse(one) && !rehearsed.has(one.id));
  return next && { recommendation: next.id };
}

type Planned = Pick<Rehearsal, "id" | "source" | "copy" | "statements">;

/**
 * Returns the statements whose generic plan differs from that of the newest rehearsal of an older backup that replayed
 * them; `all` rehearsals are newest first, `at` in milliseconds since 1970. Pure.
 */
export function planChanges(
  { id, source, copy, statements }: Planned,
  all: readonly Planned[],
  at: number,
): ServerChange[] {
  // The copies of an upgrade have other statistics than the backup.
  if (!copy?.backup || source === "upgrade") return [];
  const earlier = all.filter((one) => one.source !== "upgrade");
  const older = earlier.filter((one) =>
    one.id !== id && one.copy?.backup && one.copy.backup !== copy.backup &&
    one.copy.taken_at < copy.taken_at
  );
  // A rehearsal of the same copy has reported the changes of its statements already.
  const reported = new Set(
    earlier.filter((one) => one.id !== id && one.copy?.backup === copy.backup)
      .flatMap((one) => one.statements).flatMap(({ query, generic_plan }) =>
        generic_plan ? [query] : []
      ),
  );
  return statements.flatMap(({ query, generic_plan: after }): ServerChange[] => {
    if (reported.has(query)) return [];
    const before = older.flatMap((one) => one.statements)
      .find((one) => one.query === query && one.generic_plan)?.generic_plan;
    if (!before || !after || before === after) return [];
    const subject = query.replaceAll(/\s+/g, " ").trim().slice(0, 300);
    return [{ at, kind: "plan", subject, before, after }];
  });
}
