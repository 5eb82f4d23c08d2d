import {
  committedOf,
  countAsOf,
  countHypertables,
  countLeaves,
  nextTransaction,
} from "../../../db/backups/checks.ts";
import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";

export interface Comparison {
  problems: string[];
  notes: string[];
  leaves: number;
  rows: bigint;
}

/**
 * Compares the number of rows of managed tables, and of hypertables as they are stored, in a restored cluster with those the
 * production server had at the backup's end. Those are found by transaction: the restored cluster knows which had committed
 * by then.
 */
export async function compareRows(
  { restored, production, abandoned, firstXid, deadline }: {
    restored: Sql;
    /** Asks the production server; undefined when there is none. */
    production: (<T>(work: (sql: Sql) => Promise<T>) => Promise<T>) | undefined;
    /** Why production's rows say nothing of the backup. */
    abandoned?: string | undefined;
    firstXid: string | null;
    deadline: number;
  },
): Promise<Comparison> {
  const result: Comparison = { problems: [], notes: [], leaves: 0, rows: 0n };
  const until = await nextTransaction(restored);
  const managed = await countLeaves(restored, deadline);
  const stored = await countHypertables(restored, deadline).catch((error) => ({
    leaves: [],
    notes: [`rows of hypertables were not compared: ${describeDatabaseError(error)}`],
  }));
  const leaves = [...managed, ...stored.leaves];
  result.notes.push(...stored.notes);
  result.rows = leaves.reduce((sum, { rows }) => sum + rows, 0n);
  if (abandoned !== undefined) {
    result.notes.push(`rows were counted, and not compared: ${abandoned}`);
    return result;
  }
  if (!production || firstXid === null || firstXid === "0") {
    result.notes.push("rows were counted; there was no production server to compare them with");
    return result;
  }
  const first = BigInt(firstXid);
  for (const { oid, name, rows } of leaves) {
    if (performance.now() > deadline) {
      result.notes.push(`${leaves.length - result.leaves} partition(s) were not compared in time`);
      break;
    }
    try {
      const found = await production((sql) => countAsOf(sql, { oid, first, until }));
      if (!found) continue; // It was removed since.
      const open = found.flatMap(({ transaction }) => transaction === null ? [] : [transaction]);
      const committed = open.length > 0 ? await committedOf(restored, open) : new Set<string>();
      const expected = found.reduce(
        (sum, one) =>
          one.transaction === null || committed.has(String(one.transaction)) ? sum + one.rows : sum,
        0n,
      );
      result.leaves++;
      if (rows < expected) {
        result.problems.push(`${name} has ${rows} rows, the server had ${expected}`);
      } else if (rows > expected) {
        result.notes.push(`${name}: ${rows - expected} row(s) were changed or deleted since`);
      }
    } catch (error) {
      result.notes.push(`${name} was not compared: ${describeDatabaseError(error)}`);
    }
  }
  result.notes.push(
    `${result.rows} rows in ${leaves.length} partitions, ${result.leaves} compared`,
  );
  return result;
}
