import { quoteName, type TableName } from "../partitions/ddl.ts";
import { quoteLiteral } from "../sql.ts";

/** Returns a table as Citus takes it as an argument: its quoted name as a literal. */
const argument = (table: TableName) => quoteLiteral(quoteName(table)).trim();

/** Returns what distributes a table and, if it is partitioned, its partitions; rows that are there are copied to the shards. */
export function distributeStatement(
  table: TableName,
  column: string,
  colocateWith: TableName | undefined,
): string {
  const other = colocateWith ? argument(colocateWith) : "'none'";
  return `select create_distributed_table(${argument(table)}, ${
    quoteLiteral(column).trim()
  }, colocate_with => ${other})`;
}

/** Returns what empties the copy of a distributed table that the coordinator has kept. */
export function truncateLocalStatement(table: TableName): string {
  return `select truncate_local_data_after_distributing_table(${argument(table)})`;
}

/** Returns what makes a distributed table, with its partitions and all rows, a table of the coordinator again. */
export function undistributeStatement(table: TableName): string {
  return `select undistribute_table(${argument(table)})`;
}

/** The triggers of market.candles_1m, which Citus does not allow on a distributed table, as the migration makes them. */
export const candleGuards: Readonly<Record<string, string>> = {
  candles_1m_reference_insert:
    `create trigger "candles_1m_reference_insert" after insert on "market"."candles_1m"
referencing new table as new_candles
for each statement execute function market.guard_candles()`,
  candles_1m_reference_update:
    `create trigger "candles_1m_reference_update" before update of instrument_id on "market"."candles_1m"
for each row when (old.instrument_id is distinct from new.instrument_id)
execute function market.guard_candles()`,
};

/** Returns what drops one of these triggers. */
export function dropGuardStatement(name: string): string {
  return `drop trigger "${name}" on "market"."candles_1m"`;
}
