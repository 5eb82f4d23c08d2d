import type { Sql } from "../../../db/connection.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { analyzeTable } from "../../../db/partitions/run.ts";
import {
  countStored,
  readStorage,
  type StorageRow,
} from "../../../db/partitions/catalogue/storage.ts";
import { HoldfastError } from "../../../errors.ts";
import { leafTable, leafText } from "../execution/step_tools.ts";
import type { Step } from "../planning/step.ts";

/** What a leaf may be: `table` holds its rows itself; `whole` may also be partitioned, with all parts on this node. */
export type Wanted = "table" | "whole";

const full = ({ schema, name }: StorageRow) => `${schema}.${name}`;

/**
 * Returns why the rows of a table are not all its own, on this node: it is foreign, distributed, a view, or has children.
 * Undefined for an ordinary table. `family` is the table and all below it.
 */
export function oddityOf(
  leaf: number,
  family: readonly StorageRow[],
  wanted: Wanted,
): string | undefined {
  const own = family.find(({ oid }) => oid === leaf);
  if (!own) return "does not exist any more";
  const name = (row: StorageRow) => row === own ? "is" : `has ${full(row)} below it, which is`;
  for (const row of family) {
    if (row.distributed) {
      return `${name(row)} distributed by Citus: its rows are not in the table of this node`;
    }
    if (row.kind === "f") return `${name(row)} a foreign table: its rows are on another server`;
    if (row.kind !== "r" && row.kind !== "p") {
      return `${name(row)} no table (relkind ${row.kind})`;
    }
  }
  const below = family.find((row) => row !== own);
  if (own.kind === "p") return wanted === "whole" ? undefined : "is partitioned itself";
  return below ? `does not have all rows of a query: ${full(below)} inherits from it` : undefined;
}

/** Returns the leaves whose rows are not all their own, on this node, with the reasons. */
export async function readOddities(
  sql: Sql,
  oids: readonly number[],
  wanted: Wanted,
): Promise<Map<number, string>> {
  const families = new Map<number, StorageRow[]>(oids.map((oid) => [oid, []]));
  for (const row of await readStorage(sql, oids)) families.get(row.leaf)?.push(row);
  const odd = new Map<number, string>();
  for (const [oid, family] of families) {
    const oddity = oddityOf(oid, family, wanted);
    if (oddity !== undefined) odd.set(oid, oddity);
  }
  return odd;
}

/** Throws `conflict` when what is to be dropped holds rows elsewhere, or others' rows. */
export async function refuseOdd(sql: Sql, step: Step): Promise<void> {
  const oid = step.oid ?? 0;
  const oddity = (await readOddities(sql, [oid], "whole")).get(oid);
  if (oddity !== undefined) {
    throw new HoldfastError("conflict", `${leafText(step)} is not dropped: it ${oddity}`);
  }
}

/** Thrown when statistics contradict a count: they may be stale, so the table is analysed before it is refused. */
export class Contradiction extends HoldfastError {
  constructor(message: string) {
    super("conflict", message);
  }
}

/** Says whether an estimate contradicts a count: fewer rows than half of it less a hundred, or none. */
export function contradicts(rows: number, estimate: number | null): boolean {
  return estimate !== null && (rows < estimate / 2 - 100 || rows === 0 && estimate >= 1);
}

/**
 * Checks that as many rows were read of a leaf as it has: it is an ordinary table of this node, count(*) in this
 * transaction is `rows`, and the statistics do not contradict it. Throws `conflict`, or a Contradiction.
 */
export async function proveCount(sql: Sql, step: Step, rows: number): Promise<void> {
  const oid = step.oid ?? 0;
  const oddity = (await readOddities(sql, [oid], "table")).get(oid);
  if (oddity !== undefined) throw new HoldfastError("conflict", `${leafText(step)} ${oddity}`);
  const counted = await countStored(sql, oid, leafTable(step));
  if (counted.rows !== rows) {
    throw new HoldfastError(
      "conflict",
      `${leafText(step)} has ${counted.rows} rows by count(*), and ${rows} were read of it`,
    );
  }
  if (contradicts(rows, counted.estimate)) {
    throw new Contradiction(
      `${leafText(step)} has ${rows} rows by count(*), and ${
        Math.round(counted.estimate ?? 0)
      } by the statistics, also after an analyze`,
    );
  }
}

/** Does `work`; when statistics contradict it, analyses the leaf and does it once more. */
export async function withStatistics<T>(
  pool: Pool,
  step: Step,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    await pool.run((sql) => analyzeTable(sql, leafTable(step)), { deadlineMs: 600_000 });
    return await work();
  }
}
