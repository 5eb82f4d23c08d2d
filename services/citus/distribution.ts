import {
  countInShards,
  type HeapRow,
  type PlacedRow,
  readHeaps,
  readMisplaced,
  readPlaced,
} from "../../db/citus/placement_facts.ts";
import type { Sql } from "../../db/connection.ts";
import { runStatements } from "../../db/partitions/run.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { setLockTimeoutEverywhere, setStatementTimeout } from "../../db/session/transaction.ts";
import { HoldfastError } from "../../errors.ts";
import { isPassing } from "../partitions/execution/step_tools.ts";
import type { Heap, Placed, PlacementFacts, PlacementStatement } from "./placement.ts";

/** How long a statement waits for its locks, here and on the workers, and how often that is tried. */
const lockMs = 2_000;
const attempts = 5;
/** Longest time of one statement: it may copy all rows. */
const statementMs = 24 * 3_600_000;

/** Says whether the shards have as many rows as the coordinator's copy; null where the statistics do not tell. */
async function isFilled(sql: Sql, heap: HeapRow, placed: PlacedRow): Promise<boolean | null> {
  if (placed.column === null || !heap.localRows || heap.estimate === 0) return null;
  return await countInShards(sql, heap) >= heap.estimate;
}

async function describe(
  sql: Sql,
  placed: PlacedRow | undefined,
  heaps: readonly HeapRow[],
): Promise<Placed | undefined> {
  if (!placed) return undefined;
  const own = heaps.filter(({ root }) => root === placed.table);
  const read: Heap[] = [];
  for (const heap of own) {
    const { schema, table, localRows } = heap;
    read.push({ schema, table, localRows, filled: await isFilled(sql, heap, placed) });
  }
  const sealed = own.filter(({ sealed }) => sealed);
  return {
    ...placed,
    heaps: read,
    sealed: sealed.map(({ schema, table }) => `${schema}.${table}`),
  };
}

/** Reads what the planner needs to know. Needs the extension. */
export async function readPlacement(sql: Sql): Promise<PlacementFacts> {
  const placed = await readPlaced(sql);
  const heaps = await readHeaps(sql);
  const named = (name: string) => placed.find(({ table }) => table === name);
  return {
    ticks: await describe(sql, named("ticks"), heaps),
    candles: await describe(sql, named("candles_1m"), heaps),
    misplaced: await readMisplaced(sql),
  };
}

/** Carries out one statement in a transaction of its own. Throws `lock_timeout` when its locks are not free. */
export async function carryOut(
  pool: Pool,
  { sql: text, on }: PlacementStatement,
  pause: (ms: number) => Promise<void>,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await pool.transaction(async (sql) => {
        await setLockTimeoutEverywhere(sql, lockMs);
        await setStatementTimeout(sql, statementMs);
        await runStatements(sql, [text]);
      }, { deadlineMs: statementMs });
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (attempt === attempts) {
        throw new HoldfastError(
          "lock_timeout",
          `${on.schema}.${on.table} is in use: its locks were not free within ${attempts} attempts; run the command again to continue`,
          { cause: error },
        );
      }
      await pause(1_000 * attempt);
    }
  }
}
