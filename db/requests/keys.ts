import type { Sql } from "../connection.ts";

/** An answer that is kept to be given again. */
export interface KeptAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What a key was used for before. */
export interface RequestKeyRow {
  fingerprint: string;
  claimed_by: string;
  /** Since the claim; seconds, by the server's clock. */
  age_seconds: number;
  answer: KeptAnswer | null;
}

export interface KeyName {
  path: string;
  key: string;
}

/** Claims a key for a request; answers undefined when it is claimed, else what it was used for before. */
export async function claimKey(
  sql: Sql,
  { path, key }: KeyName,
  { fingerprint, claimedBy }: { fingerprint: string; claimedBy: string },
): Promise<RequestKeyRow | undefined> {
  // A key that is given up between the two statements is free the next time round.
  for (let tries = 0; tries < 5; tries++) {
    const claimed = await sql`
      insert into holdfast.request_keys (path, key, fingerprint, claimed_by)
      values (${path}, ${key}, ${fingerprint}, ${claimedBy}::text::uuid)
      on conflict (path, key) do nothing
      returning 1`;
    if (claimed.length > 0) return undefined;
    const [row] = await sql<(Omit<RequestKeyRow, "answer"> & Partial<KeptAnswer>)[]>`
      select
        fingerprint,
        claimed_by::text as claimed_by,
        extract(epoch from now() - claimed_at)::float8 as age_seconds,
        status,
        headers,
        body
      from holdfast.request_keys
      where path = ${path} and key = ${key}`;
    if (!row) continue;
    const { status, headers, body, ...rest } = row;
    const answer = typeof status === "number"
      ? { status, headers: headers ?? {}, body: body ?? "" }
      : null;
    return { ...rest, answer };
  }
  throw new Error("Cannot claim the idempotency key: it is claimed and given up again and again");
}

/** Keeps the answer of a request, for whoever sends its key again. */
export async function keepAnswer(
  sql: Sql,
  { path, key }: KeyName,
  claimedBy: string,
  { status, headers, body }: KeptAnswer,
): Promise<void> {
  await sql`
    update holdfast.request_keys
    set status = ${status}, headers = ${JSON.stringify(headers)}::text::jsonb, body = ${body}
    where path = ${path} and key = ${key} and claimed_by = ${claimedBy}::text::uuid`;
}

/** Gives a key up: nothing was done under it. */
export async function giveUpKey(
  sql: Sql,
  { path, key }: KeyName,
  claimedBy: string,
): Promise<void> {
  await sql`
    delete from holdfast.request_keys
    where path = ${path} and key = ${key} and claimed_by = ${claimedBy}::text::uuid and status is null`;
}

/** Forgets keys older than `days`, and the oldest beyond `keep`, at most `limit` at a time; answers how many. */
export async function forgetRequestKeys(
  sql: Sql,
  { days, keep, limit }: { days: number; keep: number; limit: number },
): Promise<number> {
  const old = await sql`
    delete from holdfast.request_keys
    where (path, key) in (
      select path, key
      from holdfast.request_keys
      where claimed_at < (select holdfast.trusted_now()) - ${days}::int4 * interval '1 day'
      order by claimed_at
      limit ${limit}
    )
    returning 1`;
  const beyond = await sql`
    delete from holdfast.request_keys
    where (path, key) in (
      select path, key
      from holdfast.request_keys
      order by claimed_at desc
      offset ${keep}
      limit ${limit}
    )
    returning 1`;
  return old.length + beyond.length;
}
