import { and, getTableColumns, notExists, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { excluded, isAnyTable } from "../../records/conditions.ts";
import { recordsIn } from "../../records/records.ts";
import { oneRow } from "../../records/rows.ts";
import { clockRecord, holdRecords } from "../../records/schema.ts";

export type { HoldKind } from "../../records/schema.ts";

/** The server's time, and that of the last rotation under clocks that agreed; milliseconds since 1970. */
export interface ClockRow {
  server: number;
  /** Undefined before the first rotation. */
  recorded: { server: number; peak: number } | undefined;
}

export async function readClocks(sql: Sql): Promise<ClockRow> {
  const [row] = await recordsIn(sql)
    .select({
      server: sqlText<number>`(extract(epoch from clock_timestamp()) * 1000)::float8`,
      at: clockRecord.server_at,
      peak: clockRecord.peak_at,
    })
    .from(oneRow)
    .leftJoin(clockRecord, sqlText`true`);
  if (!row) throw new Error("The server returned no time");
  const { server, at, peak } = row;
  return {
    server,
    recorded: at && peak ? { server: at.getTime(), peak: peak.getTime() } : undefined,
  };
}

/** Records a trusted time, in milliseconds since 1970; `anew` replaces a later one. */
export async function recordClock(sql: Sql, serverMs: number, anew: boolean): Promise<void> {
  const at = new Date(serverMs);
  const { only_one, peak_at } = clockRecord;
  await recordsIn(sql).insert(clockRecord).values({ server_at: at, peak_at: at })
    .onConflictDoUpdate({
      target: only_one,
      set: {
        server_at: at,
        peak_at: anew ? at : sqlText`greatest(${peak_at}, excluded.peak_at)`,
      },
    });
}

/** Something that retention keeps although its policy says otherwise. */
export type HoldRow = Omit<typeof holdRecords.$inferSelect, "since">;

const { since: _since, ...holdColumns } = getTableColumns(holdRecords);
const { schema, table, kind, partition, partitions, reason } = holdColumns;

/** Replaces what is held back of these tables; returns the holds that are new. */
export async function replaceHolds(
  sql: Sql,
  tables: readonly { schema: string; table: string }[],
  holds: readonly HoldRow[],
): Promise<HoldRow[]> {
  const db = recordsIn(sql);
  const wanted = sqlText`
    select from jsonb_to_recordset(${JSON.stringify(holds)}::text::jsonb)
      as h (schema text, "table" text, kind text, partition text)
    where (h.schema, h."table", h.kind, h.partition) = (${schema}, ${table}, ${kind}, ${partition})`;
  await db.delete(holdRecords)
    .where(and(isAnyTable({ schema, table }, tables), notExists(sqlText`(${wanted})`)));
  if (holds.length === 0) return [];
  const changed = await db.insert(holdRecords).values([...holds])
    .onConflictDoUpdate({
      target: [schema, table, kind, partition],
      set: excluded({ partitions, reason }),
      setWhere: sqlText`${partitions} is distinct from excluded.partitions`,
    })
    .returning({ schema, table, kind, partition });
  const keys = new Set(changed.map((one) => JSON.stringify(Object.values(one))));
  return holds.filter(({ schema, table, kind, partition }) =>
    keys.has(JSON.stringify([schema, table, kind, partition]))
  );
}

export async function listHolds(sql: Sql): Promise<HoldRow[]> {
  return await recordsIn(sql).select(holdColumns).from(holdRecords)
    .orderBy(schema, table, kind, partition)
    .limit(1000);
}
