import type { Sql } from "../connection.ts";

export const changeKinds = [
  "setting",
  "ddl",
  "index",
  "plan",
  "statistics_reset",
  "server_start",
  "holdfast_start",
  "mark",
] as const;

/** A change of the server or of Holdfast; `at` in milliseconds since 1970. */
export interface Change {
  at: number;
  kind: (typeof changeKinds)[number];
  subject: string;
  before: string | null;
  after: string | null;
}

const kept = "90 days";

/** Saves changes, and deletes those older than 90 days. */
export async function saveChanges(sql: Sql, changes: readonly Change[]): Promise<void> {
  const rows = changes.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest }));
  await sql`
    insert into holdfast.server_changes (at, kind, subject, before, after)
    select r.at, r.kind, r.subject, r.before, r.after
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as r (at timestamptz, kind text, subject text, before text, after text)`;
  await sql`delete from holdfast.server_changes where at < (select holdfast.trusted_now()) - ${kept}::text::interval`;
}

/** Returns the last `limit` changes, oldest first. */
export async function lastChanges(sql: Sql, limit: number): Promise<Change[]> {
  const rows = await sql<Change[]>`
    select extract(epoch from at)::float8 * 1000 as at, kind, subject, before, after
    from holdfast.server_changes
    order by server_changes.at desc
    limit ${limit}`;
  return [...rows].reverse();
}
