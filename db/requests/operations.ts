import type { Sql } from "../connection.ts";
import { utcText } from "../utc_text.ts";

/** What progress counts. */
export type ProgressUnit = "partitions" | "statements" | "rows" | "bytes";

/** How far a step of a piece of work is: the step in words, and how many units of how many, where that is known. */
export interface OperationProgress {
  step: string;
  done: number;
  of: number | null;
  /** Null: reported by an earlier version. */
  unit: ProgressUnit | null;
}

/** What went wrong, as in a problem document. */
export interface OperationProblem {
  code: string;
  detail: string;
}

export type OperationStatus = "running" | "succeeded" | "failed" | "aborted";

/** Times are RFC 3339 UTC with milliseconds. */
export interface OperationRow {
  id: string;
  kind: string;
  subject: string;
  status: OperationStatus;
  progress: OperationProgress | null;
  result: Record<string, unknown> | null;
  problems: OperationProblem[];
  started_at: string;
  updated_at: string;
  finished_at: string | null;
}

function columns(sql: Sql) {
  return sql`
    id::text as id,
    kind,
    subject,
    status,
    '{"unit": null}'::jsonb || progress as progress,
    result,
    problems,
    ${sql.unsafe(utcText("started_at"))} as started_at,
    ${sql.unsafe(utcText("updated_at"))} as updated_at,
    ${sql.unsafe(utcText("finished_at"))} as finished_at`;
}

const json = (value: unknown) => value === null ? null : JSON.stringify(value);

export async function saveOperation(sql: Sql, row: OperationRow): Promise<void> {
  await sql`
    insert into holdfast.operations
      (id, kind, subject, status, progress, result, problems, started_at, updated_at, finished_at)
    values (
      ${row.id}::text::uuid, ${row.kind}, ${row.subject}, ${row.status},
      ${json(row.progress)}::text::jsonb, ${json(row.result)}::text::jsonb, ${
    json(row.problems)
  }::text::jsonb,
      ${row.started_at}::text::timestamptz, ${row.updated_at}::text::timestamptz,
      ${row.finished_at}::text::timestamptz
    )
    on conflict (id) do update set
      status = excluded.status,
      progress = excluded.progress,
      result = excluded.result,
      problems = excluded.problems,
      updated_at = excluded.updated_at,
      finished_at = excluded.finished_at
    -- Progress that is written late does not undo the end.
    where operations.status = 'running' or excluded.status <> 'running'`;
}

export async function findOperation(sql: Sql, id: string): Promise<OperationRow | undefined> {
  const [row] = await sql<OperationRow[]>`
    select ${columns(sql)} from holdfast.operations where operations.id = ${id}::text::uuid`;
  return row;
}

/** Newest first; those after a position of that order. */
export async function listOperations(
  sql: Sql,
  { limit, before }: { limit: number; before: { startedAt: string; id: string } | undefined },
): Promise<OperationRow[]> {
  return await sql<OperationRow[]>`
    select ${columns(sql)}
    from holdfast.operations
    where ${
    before
      ? sql`(operations.started_at, operations.id)
        < (${before.startedAt}::text::timestamptz, ${before.id}::text::uuid)`
      : sql`true`
  }
    order by operations.started_at desc, operations.id desc
    limit ${limit}`;
}

/** Closes running operations without a heartbeat since `silentSince`: their process is gone. */
export async function closeOrphans(
  sql: Sql,
  { silentSince, now, problem }: { silentSince: string; now: string; problem: OperationProblem },
): Promise<number> {
  const closed = await sql`
    update holdfast.operations
    set
      status = 'aborted',
      problems = ${JSON.stringify([problem])}::text::jsonb,
      finished_at = ${now}::text::timestamptz
    where status = 'running' and updated_at < ${silentSince}::text::timestamptz
    returning 1`;
  return closed.length;
}

/** Forgets what ended before `before`, and the oldest beyond `keep`; answers how many. */
export async function forgetOperations(
  sql: Sql,
  { before, keep }: { before: string; keep: number },
): Promise<number> {
  const removed = await sql`
    delete from holdfast.operations
    where id in (
      select id
      from (
        select id, started_at, row_number() over (order by started_at desc, id desc) as place
        from holdfast.operations
        where status <> 'running'
      ) as ended
      where place > ${keep} or started_at < ${before}::text::timestamptz
      limit 10000
    )
    returning 1`;
  return removed.length;
}
