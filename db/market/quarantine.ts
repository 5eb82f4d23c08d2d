import { and, asc, desc, eq, gt, gte, lt, type SQL, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { isAnyOf } from "../records/conditions.ts";
import { recordsIn } from "../records/records.ts";
import { quarantineRecords } from "../records/schema.ts";

const { id, received_at } = quarantineRecords;

/** A row that was not stored as a tick: its reason, its line, its text (cut to 2,000 characters), and its feed if known. */
export type QuarantinedRow = Omit<QuarantineEntry, "id" | "received_at">;
export type QuarantineEntry = typeof quarantineRecords.$inferSelect;

/** Filters rows; times of arrival in microseconds, `fromUs` included, `toUs` not. */
export interface QuarantineFilter {
  reason?: string | undefined;
  symbol?: string | undefined;
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

export async function addQuarantined(sql: Sql, rows: readonly QuarantinedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into holdfast.quarantine (reason, path, detail, line, raw, symbol)
    select *
    from unnest(
      ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => row.path)}::text[],
      ${rows.map((row) => row.detail)}::text[],
      ${rows.map((row) => row.line)}::int8[],
      ${rows.map((row) => row.raw.replaceAll("\0", "\ufffd"))}::text[],
      ${rows.map((row) => row.symbol)}::text[]
    )`;
}

const instant = (us: number) =>
  sqlText`(timestamp '1970-01-01' + ${us}::float8 * interval '1 microsecond') at time zone 'UTC'`;

function meets({ reason, symbol, fromUs, toUs }: QuarantineFilter): SQL | undefined {
  return and(
    reason === undefined ? undefined : eq(quarantineRecords.reason, reason),
    symbol === undefined ? undefined : eq(quarantineRecords.symbol, symbol),
    fromUs === undefined ? undefined : gte(received_at, instant(fromUs)),
    toUs === undefined ? undefined : lt(received_at, instant(toUs)),
  );
}

/** Returns rows, newest first, that come before the id `before`. */
export async function listQuarantined(
  sql: Sql,
  filter: QuarantineFilter & { before: string | undefined; limit: number },
): Promise<QuarantineEntry[]> {
  const { before, limit } = filter;
  return await recordsIn(sql).select().from(quarantineRecords)
    .where(and(meets(filter), before === undefined ? undefined : lt(id, before)))
    .orderBy(desc(id))
    .limit(limit);
}

/** Deletes one row and returns it. Its lock lasts until the transaction ends, so two retries cannot both store it. */
export async function takeQuarantined(
  sql: Sql,
  wanted: string,
): Promise<QuarantineEntry | undefined> {
  const [row] = await recordsIn(sql).delete(quarantineRecords).where(eq(id, wanted))
    .returning();
  return row;
}

/**
 * Returns rows with an id above `after`, oldest first, locked until the transaction ends. Skips rows that another session
 * has locked, so concurrent retries share the rows and never wait.
 */
export async function claimQuarantined(
  sql: Sql,
  filter: QuarantineFilter & {
    ids?: readonly string[] | undefined;
    after: string | undefined;
    limit: number;
  },
): Promise<QuarantineEntry[]> {
  const { ids, after, limit } = filter;
  return await recordsIn(sql).select().from(quarantineRecords)
    .where(and(
      meets(filter),
      ids === undefined ? undefined : isAnyOf(id, ids),
      after === undefined ? undefined : gt(id, after),
    ))
    .orderBy(asc(id))
    .limit(limit)
    .for("update", { skipLocked: true });
}

export async function removeQuarantined(sql: Sql, ids: readonly string[]): Promise<void> {
  await recordsIn(sql).delete(quarantineRecords).where(isAnyOf(id, ids));
}

/** Deletes at most `limit` rows, except those locked by a retry, and returns their number. */
export async function purgeQuarantined(
  sql: Sql,
  filter: QuarantineFilter & { limit: number },
): Promise<number> {
  const db = recordsIn(sql);
  const free = db.select({ id }).from(quarantineRecords).where(meets(filter))
    .limit(filter.limit).for("update", { skipLocked: true });
  // As an array: a subquery might be run again for each row, and lock more of them.
  const removed = await db.delete(quarantineRecords)
    .where(sqlText`${id} = any(array(${free}))`).returning({ id });
  return removed.length;
}
