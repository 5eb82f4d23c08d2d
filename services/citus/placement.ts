import {
  candleGuards,
  distributeStatement,
  dropGuardStatement,
  truncateLocalStatement,
  undistributeStatement,
} from "../../db/citus/distribution.ts";
import type { TableName } from "../../db/partitions/ddl.ts";

/** A table that holds rows itself, and what the coordinator has of it. */
export interface Heap extends TableName {
  /** Whether the coordinator's own file of the table has pages. */
  localRows: boolean;
  /** Whether the shards hold at least the rows of that file; null where this cannot be told. */
  filled: boolean | null;
}

/** How a table is placed. A table that is not partitioned has itself as its only heap. */
export interface Placed extends TableName {
  /** The column that it is distributed by; null for a table of the coordinator, "" for one copied to all nodes. */
  column: string | null;
  colocation: number | null;
  triggers: readonly string[];
  /** Foreign keys from it and to it. */
  foreignKeys: readonly string[];
  heaps: readonly Heap[];
  /** Leaves that are sealed: they have triggers. */
  sealed: readonly string[];
}

/** What the planner needs to know of a database with Citus; undefined for a table that is missing. */
export interface PlacementFacts {
  ticks: Placed | undefined;
  candles: Placed | undefined;
  /** Tables that must be the coordinator's own, and are not. */
  misplaced: readonly string[];
}

export interface PlacementStatement {
  action: "drop_guard" | "distribute" | "truncate_local" | "undistribute" | "create_guard";
  /** The table, or the trigger of market.candles_1m. */
  on: TableName;
  sql: string;
  /** The strongest locks it takes. */
  lock: string;
  reason: string;
}

export interface PlacementPlan {
  /** In order, each in a transaction of its own; empty where anything is refused. */
  statements: PlacementStatement[];
  /** Why nothing is done. */
  refused: string[];
  /** What is left as it is, and why. */
  skipped: string[];
}

const column = "instrument_id";
const full = ({ schema, table }: TableName) => `${schema}.${table}`;
const guards = Object.keys(candleGuards);
const guardName = (table: string): TableName => ({ schema: "market", table });

/** Returns why one of the two tables cannot be distributed, or be brought back, as it is. */
function objections(table: Placed, allowedTriggers: readonly string[]): string[] {
  const name = full(table);
  const strange = table.triggers.filter((trigger) => !allowedTriggers.includes(trigger));
  return [
    ...(table.column !== null && table.column !== column
      ? [
        table.column === ""
          ? `${name} is a reference table: undistribute it first`
          : `${name} is distributed by ${table.column}, not by ${column}`,
      ]
      : []),
    ...strange.map((trigger) => `${name} has the trigger ${trigger}, which Citus does not allow`),
    ...table.foreignKeys.map((key) => `${name} has the foreign key ${key}: drop it first`),
    ...table.sealed.map((leaf) => `${leaf} is sealed: unseal it first`),
  ];
}

function missing(facts: PlacementFacts): string[] {
  return [
    ...(facts.ticks ? [] : ["market.ticks is missing: start deno task serve once"]),
    ...(facts.candles ? [] : ["market.candles_1m is missing: start deno task serve once"]),
  ];
}

/** Plans to distribute a table, and to empty what the coordinator keeps of it once the shards have the rows. */
function place(
  table: Placed,
  colocateWith: Placed | undefined,
): Pick<PlacementPlan, "statements" | "skipped"> {
  const name = full(table);
  const statements: PlacementStatement[] = [];
  const skipped: string[] = [];
  const isLocal = table.column === null;
  if (isLocal) {
    statements.push({
      action: "distribute",
      on: { schema: table.schema, table: table.table },
      sql: distributeStatement(table, column, colocateWith),
      lock:
        `EXCLUSIVE on ${name} and its partitions until all rows are copied: reads go on, writes wait`,
      reason: colocateWith
        ? `its shards lie beside those of ${full(colocateWith)}`
        : "the ticks of an instrument lie together",
    });
  }
  for (const heap of table.heaps.filter(({ localRows }) => localRows)) {
    if (isLocal || heap.filled === true) {
      statements.push({
        action: "truncate_local",
        on: { schema: heap.schema, table: heap.table },
        sql: truncateLocalStatement(heap),
        lock: `ACCESS EXCLUSIVE on the coordinator's copy of ${full(heap)}`,
        reason: "its rows are in the shards",
      });
    } else {
      skipped.push(
        `the coordinator's copy of ${
          full(heap)
        } stays: it is not certain that the shards have its rows`,
      );
    }
  }
  return { statements, skipped };
}

/** Plans the placement in which ticks are distributed by instrument and candles lie beside them. Pure. */
export function planDistribution(facts: PlacementFacts): PlacementPlan {
  const { ticks, candles, misplaced } = facts;
  const refused = [
    ...missing(facts),
    ...(ticks ? objections(ticks, []) : []),
    ...(candles ? objections(candles, guards) : []),
    ...(candles && candles.column !== null && candles.colocation !== ticks?.colocation
      ? ["market.candles_1m is distributed, but not colocated with market.ticks: --undo first"]
      : []),
    ...misplaced.map((name) =>
      `${name} must stay a table of the coordinator: undistribute it first`
    ),
  ];
  if (refused.length > 0 || !ticks || !candles) return { statements: [], refused, skipped: [] };
  const parts = [place(ticks, undefined), place(candles, ticks)];
  const dropped = candles.triggers.map((name): PlacementStatement => ({
    action: "drop_guard",
    on: guardName(name),
    sql: dropGuardStatement(name),
    lock: "ACCESS EXCLUSIVE on market.candles_1m for a moment",
    reason: "Citus allows no triggers here; the guard of market.instruments stays",
  }));
  return {
    statements: [...parts[0]!.statements, ...dropped, ...parts[1]!.statements],
    refused: [],
    skipped: parts.flatMap(({ skipped }) => skipped),
  };
}

/** Plans the way back: both tables, with all rows, on the coordinator, with the guard of candles. Pure. */
export function planReturn(facts: PlacementFacts): PlacementPlan {
  const { ticks, candles } = facts;
  const uncertain = [ticks, candles].flatMap((table) =>
    table && table.column !== null
      ? table.heaps.filter(({ localRows, filled }) => localRows && filled !== true)
      : []
  );
  const refused = [
    ...missing(facts),
    ...uncertain.map((heap) =>
      `the coordinator's copy of ${
        full(heap)
      } would be dropped, and it is not certain that the shards have its rows`
    ),
  ];
  if (refused.length > 0 || !ticks || !candles) return { statements: [], refused, skipped: [] };
  const returned = [candles, ticks].filter((table) => table.column !== null);
  const lacking = guards.filter((name) => !candles.triggers.includes(name));
  return {
    statements: [
      ...returned.map((table): PlacementStatement => ({
        action: "undistribute",
        on: { schema: table.schema, table: table.table },
        sql: undistributeStatement(table),
        lock: `ACCESS EXCLUSIVE on ${full(table)} and its partitions until all rows are copied`,
        reason: "its rows come back to the coordinator, which must have space for them",
      })),
      ...lacking.map((name): PlacementStatement => ({
        action: "create_guard",
        on: guardName(name),
        sql: candleGuards[name] ?? "",
        lock: "SHARE ROW EXCLUSIVE on market.candles_1m for a moment",
        reason: "candles are guarded as before",
      })),
    ],
    refused: [],
    skipped: [],
  };
}
