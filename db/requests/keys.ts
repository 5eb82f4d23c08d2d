import { and, desc, eq, isNull, lt, type SQL, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { daysAgo } from "../records/conditions.ts";
import { recordsIn, type RecordsSession } from "../records/records.ts";
import { requestKeyRecords } from "../records/schema.ts";

type StoredKey = typeof requestKeyRecords.$inferSelect;

/** An answer that is kept to be given again. */
export type KeptAnswer = {
  [K in "status" | "headers" | "body"]: NonNullable<StoredKey[K]>;
};

/** What a key was used for before. */
export type RequestKeyRow = Pick<StoredKey, "fingerprint" | "claimed_by"> & {
  /** Since the claim; seconds, by the server's clock. */
  age_seconds: number;
  answer: KeptAnswer | null;
};

export type KeyName = Pick<StoredKey, "path" | "key">;

const { path, key, fingerprint, claimed_by, claimed_at, status, headers, body } = requestKeyRecords;
const named = (name: KeyName) => and(eq(path, name.path), eq(key, name.key));
const ageSeconds = sqlText<number>`extract(epoch from now() - ${claimed_at})::float8`;

/** Claims a key for a request; answers undefined when it is claimed, else what it was used for before. */
export async function claimKey(
  sql: Sql,
  name: KeyName,
  { fingerprint: print, claimedBy }: { fingerprint: string; claimedBy: string },
): Promise<RequestKeyRow | undefined> {
  const db = recordsIn(sql);
  // A key that is given up between the two statements is free the next time round.
  for (let tries = 0; tries < 5; tries++) {
    const claimed = await db.insert(requestKeyRecords)
      .values({ ...name, fingerprint: print, claimed_by: claimedBy })
      .onConflictDoNothing({ target: [path, key] }).returning({ path });
    if (claimed.length > 0) return undefined;
    const [row] = await db
      .select({ fingerprint, claimed_by, age_seconds: ageSeconds, status, headers, body })
      .from(requestKeyRecords).where(named(name));
    if (!row) continue;
    const { status: code, headers: head, body: text, ...rest } = row;
    const answer = code === null ? null : { status: code, headers: head ?? {}, body: text ?? "" };
    return { ...rest, answer };
  }
  throw new Error("Cannot claim the idempotency key: it is claimed and given up again and again");
}

/** Keeps the answer of a request, for whoever sends its key again. */
export async function keepAnswer(
  sql: Sql,
  name: KeyName,
  claimedBy: string,
  answer: KeptAnswer,
): Promise<void> {
  await recordsIn(sql).update(requestKeyRecords).set(answer)
    .where(and(named(name), eq(claimed_by, claimedBy)));
}

/** Gives a key up: nothing was done under it. */
export async function giveUpKey(sql: Sql, name: KeyName, claimedBy: string): Promise<void> {
  await recordsIn(sql).delete(requestKeyRecords)
    .where(and(named(name), eq(claimed_by, claimedBy), isNull(status)));
}

async function forget(db: RecordsSession, keys: SQL): Promise<number> {
  const gone = await db.delete(requestKeyRecords).where(sqlText`(${path}, ${key}) in (${keys})`)
    .returning({ key });
  return gone.length;
}

/** Forgets keys older than `days`, and the oldest beyond `keep`, at most `limit` at a time; answers how many. */
export async function forgetRequestKeys(
  sql: Sql,
  { days, keep, limit }: { days: number; keep: number; limit: number },
): Promise<number> {
  const db = recordsIn(sql);
  const old = db.select({ path, key }).from(requestKeyRecords)
    .where(lt(claimed_at, daysAgo(days))).orderBy(claimed_at).limit(limit);
  const beyond = db.select({ path, key }).from(requestKeyRecords)
    .orderBy(desc(claimed_at)).offset(keep).limit(limit);
  return await forget(db, old.getSQL()) + await forget(db, beyond.getSQL());
}
