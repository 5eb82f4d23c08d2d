import type { Sql } from "../../../db/connection.ts";
import { codeOf } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import { describeLeaf } from "../../../db/partitions/proof/content.ts";
import { presentTable } from "../../../db/partitions/catalogue/leaves.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import { sendOutsideTransaction } from "../../../db/partitions/outside.ts";
import { readParents } from "../../../db/partitions/catalogue/parents.ts";
import {
  beginSeal,
  finishSeal,
  sealStatements,
  vacuumStatement,
} from "../../../db/partitions/proof/sealed.ts";
import { runStatements } from "../../../db/partitions/run.ts";
import { HoldfastError } from "../../../errors.ts";
import { toTheEnd } from "../../requests/work.ts";
import { codecs, type KeyKind } from "../axis/key.ts";
import { leafTable, leafText, outsideLimits, type StepTools } from "../execution/step_tools.ts";
import type { Step } from "../planning/step.ts";
import { measureContent } from "./content.ts";
import { hashOf, type Manifest, thresholdsOf } from "./manifest.ts";
import { proveCount, readOddities, withStatistics } from "./ordinary.ts";

/** Longest that hashing one leaf may take. */
const longestMs = 55 * 60_000;

/** Returns a comparison of a key's ends as positions of its axis. */
function orderOf(kind: KeyKind): (a: string, b: string) => boolean {
  const { parse } = codecs[kind];
  return (a, b) => {
    const [left, right] = [parse(a), parse(b)];
    return left === undefined || right === undefined ? a < b : left < right;
  };
}

/** Returns the oid of a step's leaf. Throws `conflict` when its name is now another table's. */
async function refuseOther(sql: Sql, step: Step): Promise<number> {
  const found = await presentTable(sql, leafTable(step));
  if (found && found.oid === step.oid) return found.oid;
  throw new HoldfastError("conflict", `${leafText(step)} is not the table of the plan`);
}

/** Makes a leaf refuse writes, freezes it, and keeps what it holds. Taken up again after a crash, it does the same. */
export function createSealing(
  { steadyPool: pool, context, clock, log, limitLocks, withRetries, entry }: StepTools,
) {
  async function closeToWrites(step: Step): Promise<void> {
    await withRetries(step, () =>
      pool.transaction(async (sql) => {
        await limitLocks(sql, true);
        const oid = await refuseOther(sql, step);
        const oddity = (await readOddities(sql, [oid], "table")).get(oid);
        if (oddity !== undefined) {
          throw new HoldfastError("conflict", `${leafText(step)} cannot be sealed: it ${oddity}`);
        }
        await beginSeal(sql, {
          parent: step.parent,
          leaf: leafTable(step),
          oid,
          bound: step.bound ?? "",
          at: clock.now(),
        });
        await runStatements(sql, sealStatements(leafTable(step)));
        // Whoever had the lock may have replaced the leaf.
        await refuseOther(sql, step);
      }));
  }

  /** Vacuums a leaf. Another vacuum, or a timeout, does not prevent the seal: autovacuum freezes it later. */
  async function freeze(step: Step): Promise<void> {
    try {
      const { sql: statement } = vacuumStatement(leafTable(step));
      await pool.run((sql) => sendOutsideTransaction(pool, sql, statement, outsideLimits));
    } catch (error) {
      if (
        ![sqlState.lockNotAvailable, sqlState.queryCanceled, sqlState.insufficientPrivilege]
          .includes(codeOf(error))
      ) throw error;
      log.warn("sealed_without_vacuum", { leaf: leafText(step), code: codeOf(error) });
    }
  }

  async function measure(step: Step, key: KeyKind): Promise<Manifest> {
    return await pool.run(async (sql) => {
      const leaf = await describeLeaf(sql, step.oid ?? 0);
      const [parent] = await readParents(sql, [step.parent]);
      const column = parent?.key_columns[0];
      if (!leaf || column === undefined || !parent?.key_type) {
        throw new HoldfastError("conflict", `${leafText(step)} is not an ordinary leaf`);
      }
      const bound = step.bound ?? "";
      const question = {
        leaf: leafTable(step),
        columns: leaf.columns,
        key: { column, type: parent.key_type },
        thresholds: thresholdsOf(bound, key),
        blocks: leaf.blocks,
      };
      const content = await measureContent(sql, question, orderOf(key));
      const [damaged] = content.unreadable;
      if (damaged) {
        throw new HoldfastError(
          "conflict",
          `${
            leafText(step)
          } cannot be sealed: block ${damaged.from} cannot be read (${damaged.error})`,
        );
      }
      return {
        version: 1,
        table: step.table,
        partition: leafText(step),
        bound,
        key: question.key,
        columns: leaf.columns,
        rows: content.total.rows,
        min: content.min,
        max: content.max,
        content_hash: hashOf(content.total),
        bytes: leaf.bytes,
        thresholds: question.thresholds,
        buckets: content.buckets.map((tally) => [tally.rows, hashOf(tally)]),
        sealed_at: clock.now().toISOString(),
        sealed_by: parent.role,
      };
    }, { deadlineMs: longestMs });
  }

  return {
    /** Seals the leaf of a step; returns its manifest. */
    async seal(step: Step): Promise<Manifest> {
      const started = performance.now();
      await closeToWrites(step);
      const why = `the seal of ${leafText(step)} runs to its end: the partition already refuses ` +
        "writes and would have no manifest";
      return await toTheEnd(context, why, async () => {
        await freeze(step);
        const manifest = await measure(step, step.key ?? "timestamptz");
        await withStatistics(pool, step, () =>
          pool.transaction(async (sql) => {
            await proveCount(sql, step, manifest.rows);
            await finishSeal(sql, { oid: step.oid ?? 0, manifest, at: clock.now() });
            await logMaintenance(sql, [{ ...entry(step, started, undefined), action: "seal" }]);
          }, { deadlineMs: longestMs }));
        return manifest;
      });
    },
  };
}
