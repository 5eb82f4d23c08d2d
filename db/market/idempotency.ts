import type { Sql } from "../connection.ts";

export interface StoredAnswer {
  fingerprint: string;
  answer: unknown;
}

/**
 * Claims `key` inside the transaction that stores the rows. A claim in flight elsewhere is waited for, up to
 * lock_timeout. Answers what was stored when the key has been used before.
 */
export async function claimKey(sql: Sql, key: string): Promise<StoredAnswer | "claimed"> {
  const claimed = await sql`
    insert into holdfast.idempotency_keys (key) values (${key})
    on conflict (key) do nothing
    returning key`;
  if (claimed.length > 0) return "claimed";
  const [row] = await sql<StoredAnswer[]>`
    select fingerprint, answer from holdfast.idempotency_keys where key = ${key}`;
  if (!row) throw new Error("An idempotency key vanished while it was read");
  return row;
}

export async function storeAnswer(
  sql: Sql,
  { key, fingerprint, answer }: { key: string; fingerprint: string; answer: unknown },
): Promise<void> {
  await sql`
    update holdfast.idempotency_keys
    set fingerprint = ${fingerprint}, answer = ${JSON.stringify(answer)}::text::jsonb
    where key = ${key}`;
}

/**
 * Forgets keys older than `days`, at most `limit` at a time; answers how many. Keys of imported files stay: they
 * are few, and a file imported again a month later must still be known.
 */
export async function forgetKeys(
  sql: Sql,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  const removed = await sql`
    delete from holdfast.idempotency_keys
    where key in (
      select key
      from holdfast.idempotency_keys
      where created_at < now() - ${days}::int4 * interval '1 day'
        and not starts_with(key, 'import-')
      order by created_at
      limit ${limit}
    )
    returning 1`;
  return removed.length;
}
