import { and, desc, eq, inArray, lt, or } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";
import { benchmarkRuns } from "../records/schema.ts";

export type RunRow = typeof benchmarkRuns.$inferSelect;

/** The last run of the page before. */
export interface RunCursor {
  startedAt: Date;
  id: string;
}

export async function insertRun(
  db: RecordsDb,
  run: typeof benchmarkRuns.$inferInsert,
): Promise<void> {
  await db.run((own) => own.insert(benchmarkRuns).values(run));
}

export async function updateRun(
  db: RecordsDb,
  id: string,
  changes: Partial<Omit<RunRow, "id">>,
): Promise<void> {
  await db.run((own) => own.update(benchmarkRuns).set(changes).where(eq(benchmarkRuns.id, id)));
}

export async function findRun(db: RecordsDb, id: string): Promise<RunRow | undefined> {
  const rows = await db.run((own) =>
    own.select().from(benchmarkRuns).where(eq(benchmarkRuns.id, id))
  );
  return rows[0];
}

/** Returns runs, newest first. */
export async function listRuns(
  db: RecordsDb,
  { limit, after }: { limit: number; after?: RunCursor },
): Promise<RunRow[]> {
  const { started_at, id } = benchmarkRuns;
  const beyond = after && or(
    lt(started_at, after.startedAt),
    and(eq(started_at, after.startedAt), lt(id, after.id)),
  );
  return await db.run((own) =>
    own.select().from(benchmarkRuns).where(beyond).orderBy(desc(started_at), desc(id)).limit(limit)
  );
}

/** Returns ids and states of runs, newest first: a cheap way to find out whether anything changed. */
export async function listRunStates(
  db: RecordsDb,
  limit: number,
): Promise<Pick<RunRow, "id" | "status">[]> {
  const { id, status, started_at } = benchmarkRuns;
  return await db.run((own) =>
    own.select({ id, status }).from(benchmarkRuns).orderBy(desc(started_at), desc(id)).limit(limit)
  );
}

/** Marks unfinished runs as aborted and returns their ids. Only the holder of the benchmark lock may call it. */
export async function closeUnfinishedRuns(
  db: RecordsDb,
  at: Date,
  error: string,
): Promise<string[]> {
  const rows = await db.run((own) =>
    own.update(benchmarkRuns)
      .set({ status: "aborted", finished_at: at, error })
      .where(inArray(benchmarkRuns.status, ["queued", "running"]))
      .returning({ id: benchmarkRuns.id })
  );
  return rows.map(({ id }) => id);
}
