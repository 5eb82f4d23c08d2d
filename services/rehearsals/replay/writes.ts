import type { Sql } from "../../../db/connection.ts";
import { isUnreachable } from "../../../db/errors.ts";
import {
  prepareWriteSample,
  type TouchedTable,
  type WriteSample,
} from "../../../db/rehearsals/effects.ts";
import { type Estimate, improvementOf } from "../../benchmarks/statistics.ts";
import { biasOf } from "./judge.ts";
import { compareArms, type Sessions } from "./replay.ts";
import type { PhaseOptions } from "./statements.ts";

/** Rows that one run inserts. */
const sampleRows = 300;

/** Taking the rows out, which is not timed, takes several times as long as what is. */
const short = { slotMs: 15, warmUpMs: 10 };

/** What inserts cost: the two copies against each other. */
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

/** Takes rows out of a table, times how long it takes to insert them again, and takes all of it back. */
async function insertAgain(sql: Sql, sample: WriteSample) {
  await sql.unsafe("begin");
  try {
    await sql.unsafe(sample.take);
    const began = performance.now();
    await sql.unsafe(sample.write);
    return { units: sample.rows, elapsedMs: performance.now() - began };
  } finally {
    await sql.unsafe("rollback");
  }
}

/**
 * Compares how fast rows are inserted into the first of `tables` that can be written. Null where none can: it is empty, or
 * a constraint or trigger refuses.
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
      const samples = {
        baseline: await prepareWriteSample(sessions.baseline, table, sampleRows),
        candidate: await prepareWriteSample(sessions.candidate, table, sampleRows),
      };
      const { baseline, candidate } = samples;
      if (!baseline || !candidate) continue;
      const found = await compareArms(
        (role) => insertAgain(sessions[role], role === "baseline" ? baseline : candidate),
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

/** The cost of writes as it is shown: what the copies differed in before the change is charged to both ends. */
export function writeCostOf(after: Estimate | null, before: Estimate | null): WriteCost {
  if (!after) return unknownWrites;
  const bias = biasOf(before);
  return {
    write_improvement: improvementOf(after.value),
    write_ci_low: improvementOf(after.low - bias),
    write_ci_high: improvementOf(after.high + bias),
  };
}
