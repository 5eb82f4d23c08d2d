import { isUnreachable } from "../../../db/errors.ts";
import {
  prepareWriteSample,
  readWriteShape,
  type TouchedTable,
  type WriteSample,
} from "../../../db/rehearsals/effects.ts";
import { timeInserts } from "../../../db/rehearsals/replay.ts";
import type { ArmRole } from "../../benchmarks/case.ts";
import { type Estimate, improvementOf } from "../../benchmarks/statistics.ts";
import { charge } from "./judge.ts";
import { compareArms, type Sessions } from "./replay.ts";
import type { PhaseOptions } from "./statements.ts";

/** Rows that one run inserts. */
const sampleRows = 300;

/** Deleting the rows, which is not timed, takes several times as long as the inserts. */
const short = { slotMs: 15, warmUpMs: 10 };

/** Change in the rate of inserts, with its interval. */
export interface WriteCost {
  write_improvement: number | null;
  write_ci_low: number | null;
  write_ci_high: number | null;
}

export const unknownWrites: WriteCost = {
  write_improvement: null,
  write_ci_low: null,
  write_ci_high: null,
};

/**
 * Compares how fast rows are inserted into the first of `tables` that accepts them. Null where none does: the table is
 * empty, or a constraint or trigger refuses.
 */
export async function compareWrites(
  sessions: Sessions,
  tables: readonly TouchedTable[],
  before: Estimate | null,
  { profile, seed, alpha, signal, phase }: PhaseOptions & { phase: "before" | "after" },
): Promise<Estimate | null> {
  for (const table of tables) {
    signal.throwIfAborted();
    try {
      const samples = await prepareSamples(sessions, table);
      if (!samples) continue;
      const found = await compareArms(
        async (role) => {
          const sample = samples[role];
          return { units: sample.rows, elapsedMs: await timeInserts(sessions[role], sample) };
        },
        { measuring: { ...profile[phase], ...short }, seed, alpha, before, expectedMs: 0, signal },
      );
      return phase === "before" || found.sufficient ? found.estimate : null;
    } catch (error) {
      signal.throwIfAborted();
      if (isUnreachable(error)) throw error;
    }
  }
  return null;
}

/** Returns whether inserts into all of `tables` do the same on both copies: the change cannot have touched their rate. */
export async function areWritesUntouched(
  sessions: Sessions,
  tables: readonly TouchedTable[],
): Promise<boolean> {
  for (const table of tables) {
    const before = await readWriteShape(sessions.baseline, table);
    if (before !== await readWriteShape(sessions.candidate, table)) return false;
  }
  return true;
}

/** Prepares as many rows on both copies: after the change, the table may have its rows in other and smaller leaves. */
async function prepareSamples(
  sessions: Sessions,
  table: TouchedTable,
): Promise<Record<ArmRole, WriteSample> | undefined> {
  for (let rowsMax = sampleRows;;) {
    const baseline = await prepareWriteSample(sessions.baseline, table, rowsMax);
    const candidate = await prepareWriteSample(sessions.candidate, table, rowsMax);
    if (!baseline || !candidate) return undefined;
    if (baseline.rows === candidate.rows) return { baseline, candidate };
    rowsMax = Math.min(baseline.rows, candidate.rows);
  }
}

/** Returns the cost of writes; the difference of the copies before the change widens the interval on both sides. */
export function writeCostOf(after: Estimate | null, before: Estimate | null): WriteCost {
  if (!after) return unknownWrites;
  const { low, high } = charge(after, before);
  return {
    write_improvement: improvementOf(after.value),
    write_ci_low: improvementOf(low),
    write_ci_high: improvementOf(high),
  };
}
