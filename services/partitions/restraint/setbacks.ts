import { createHash } from "node:crypto";
import { durationText } from "../../../lib/text/format.ts";
import type { TableFacts } from "../planning/facts.ts";
import type { Skipped, Step } from "../planning/step.ts";
import { tableOf } from "../policy.ts";

/**
 * After this time a step that failed permanently is tried again: the catalogue may not show that its cause is gone. Inserts
 * would soon fail for a partition that is not made, so that is tried again with the next rotation.
 */
const againMs = { attach: 10 * 60_000, others: 24 * 3_600_000 };

/** Records which steps failed with an error that would repeat, so that a schedule does not repeat them. */
export interface Setbacks {
  record(step: Step, facts: readonly TableFacts[], reason: string, atMs: number): void;
  /** Separates steps to be tried from those to be left out, with the reasons. */
  sift(
    steps: readonly Step[],
    facts: readonly TableFacts[],
    nowMs: number,
  ): { steps: Step[]; skipped: Skipped[] };
}

const againAfter = ({ action }: Step) => action === "attach" ? againMs.attach : againMs.others;

const keyOf = ({ action, table, partition }: Step) =>
  `${action} ${table} ${partition.schema}.${partition.name}`;

/** Returns a digest of what a step depends on: its statements, and its table in the catalogue. */
function basisOf(step: Step, tables: readonly TableFacts[]): string {
  const facts = tables.find(({ policy }) => tableOf(policy) === step.table);
  const leaves = facts?.leaves.map(({ oid, bound, pending }) => [oid, bound, pending]);
  const statements = step.statements.map(({ sql }) => sql);
  return createHash("sha256")
    .update(JSON.stringify([statements, facts?.parent ?? null, leaves ?? []])).digest("hex");
}

export function createSetbacks(): Setbacks {
  const known = new Map<
    string,
    { basis: string; reason: string; atMs: number; againMs: number }
  >();
  return {
    record(step, facts, reason, atMs) {
      known.set(keyOf(step), {
        basis: basisOf(step, facts),
        reason,
        atMs,
        againMs: againAfter(step),
      });
    },
    sift(steps, facts, nowMs) {
      // A clock may have jumped either way.
      for (const [key, { atMs, againMs }] of known) {
        if (Math.abs(nowMs - atMs) >= againMs) known.delete(key);
      }
      const skipped: Skipped[] = [];
      const left = steps.filter((step) => {
        const found = known.get(keyOf(step));
        if (!found) return true;
        if (found.basis !== basisOf(step, facts)) {
          known.delete(keyOf(step));
          return true;
        }
        skipped.push({
          table: step.table,
          reason: `${step.action} ${step.partition.name} is left out: at ${
            new Date(found.atMs).toISOString()
          } it failed (${found.reason}). It is tried again after ${
            durationText(found.againMs / 1_000)
          }, once the table has changed, or by POST /api/partitions/apply`,
        });
        return false;
      });
      return { steps: left, skipped };
    },
  };
}
