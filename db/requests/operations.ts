import { and, desc, eq, getTableColumns, inArray, lt, ne, or, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { excluded } from "../records/conditions.ts";
import { recordsIn } from "../records/records.ts";
import { type OperationProblem, operationRecords } from "../records/schema.ts";

export type {
  OperationProblem,
  OperationProgress,
  OperationStatus,
  ProgressUnit,
} from "../records/schema.ts";

/** Times are RFC 3339 UTC with milliseconds. */
export type OperationRow = typeof operationRecords.$inferSelect;

const { status, started_at, id } = operationRecords;
const { id: _id, kind: _kind, subject: _subject, started_at: _at, ...changing } = getTableColumns(
  operationRecords,
);

const columns = {
  ...getTableColumns(operationRecords),
  // Earlier versions store no unit.
  progress: sqlText<
    OperationRow["progress"]
  >`'{"unit": null}'::jsonb || ${operationRecords.progress}`,
};

export async function saveOperation(sql: Sql, row: OperationRow): Promise<void> {
  await recordsIn(sql).insert(operationRecords).values(row).onConflictDoUpdate({
    target: id,
    set: excluded(changing),
    // Progress that is written late does not undo the end.
    setWhere: sqlText`${status} = 'running' or excluded.status <> 'running'`,
  });
}

export async function findOperation(sql: Sql, wanted: string): Promise<OperationRow | undefined> {
  const [row] = await recordsIn(sql).select(columns).from(operationRecords).where(eq(id, wanted));
  return row;
}

/** Newest first; those after a position of that order. */
export async function listOperations(
  sql: Sql,
  { limit, before }: { limit: number; before: { startedAt: string; id: string } | undefined },
): Promise<OperationRow[]> {
  return await recordsIn(sql).select(columns).from(operationRecords)
    .where(
      before &&
        sqlText`(${started_at}, ${id}) < (${before.startedAt}::timestamptz, ${before.id}::uuid)`,
    )
    .orderBy(desc(started_at), desc(id))
    .limit(limit);
}

/** Closes running operations without a heartbeat since `silentSince`: their process is gone. */
export async function closeOrphans(
  sql: Sql,
  { silentSince, now, problem }: { silentSince: string; now: string; problem: OperationProblem },
): Promise<number> {
  const closed = await recordsIn(sql).update(operationRecords)
    .set({ status: "aborted", problems: [problem], finished_at: now })
    .where(and(eq(status, "running"), lt(operationRecords.updated_at, silentSince)))
    .returning({ id });
  return closed.length;
}

/** Forgets what ended before `before`, and the oldest beyond `keep`; answers how many. */
export async function forgetOperations(
  sql: Sql,
  { before, keep }: { before: string; keep: number },
): Promise<number> {
  const db = recordsIn(sql);
  const place = sqlText<number>`row_number() over (order by ${started_at} desc, ${id} desc)`;
  const ended = db.select({ id, started_at, place: place.as("place") }).from(operationRecords)
    .where(ne(status, "running")).as("ended");
  const old = db.select({ id: ended.id }).from(ended)
    .where(or(sqlText`${ended.place} > ${keep}`, lt(ended.started_at, before)))
    .limit(10_000);
  return (await db.delete(operationRecords).where(inArray(id, old)).returning({ id })).length;
}
