import { and, inArray, lt, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { daysAgo } from "../records/conditions.ts";
import { recordsIn } from "../records/records.ts";
import { uploadKeyRecords } from "../records/schema.ts";

export type StoredAnswer = Pick<typeof uploadKeyRecords.$inferSelect, "fingerprint" | "answer">;

/**
 * Claims keys in the transaction that stores their rows, and returns those that were used before. Waits up to
 * lock_timeout for another transaction that holds a key. Keys are sorted, so that two groups wait in the same order.
 */
export async function claimKeys(sql: Sql, keys: readonly string[]): Promise<string[]> {
  const claimed = await sql`
    insert into holdfast.idempotency_keys (key)
    select k.key
    from unnest(${keys as string[]}::text[]) as k (key)
    order by k.key
    on conflict (key) do nothing
    returning key`;
  if (claimed.length === keys.length) return [];
  const fresh = new Set(claimed.map(({ key }) => key));
  return keys.filter((key) => !fresh.has(key));
}

/** Returns the stored answers of keys that `claimKeys` found used: the snapshot of the claim may be older than they are. */
export async function readAnswers(
  sql: Sql,
  used: readonly string[],
): Promise<Map<string, StoredAnswer>> {
  const rows = await sql<(StoredAnswer & { key: string })[]>`
    select key, fingerprint, answer
    from holdfast.idempotency_keys
    where key = any(${used as string[]}::text[])`;
  if (rows.length < used.length) throw new Error("An idempotency key vanished while it was read");
  return new Map(rows.map(({ key, fingerprint, answer }) => [key, { fingerprint, answer }]));
}

export async function storeAnswers(
  sql: Sql,
  answers: readonly { key: string; fingerprint: string; answer: unknown }[],
): Promise<void> {
  if (answers.length === 0) return;
  await sql`
    update holdfast.idempotency_keys as k
    set fingerprint = n.fingerprint, answer = n.answer::jsonb
    from unnest(
      ${answers.map(({ key }) => key)}::text[],
      ${answers.map(({ fingerprint }) => fingerprint)}::text[],
      ${answers.map(({ answer }) => JSON.stringify(answer))}::text[]
    ) as n (key, fingerprint, answer)
    where k.key = n.key`;
}

/**
 * Deletes at most `limit` keys older than `days` and returns their number. Keys of imported files stay: they are few, and a
 * file imported again a month later must still be recognized.
 */
export async function forgetKeys(
  sql: Sql,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  const { key, created_at } = uploadKeyRecords;
  const db = recordsIn(sql);
  const old = db.select({ key }).from(uploadKeyRecords)
    .where(and(lt(created_at, daysAgo(days)), sqlText`not starts_with(${key}, 'import-')`))
    .orderBy(created_at)
    .limit(limit);
  return (await db.delete(uploadKeyRecords).where(inArray(key, old)).returning({ key })).length;
}
