import { createHash } from "node:crypto";
import { StartError } from "../errors.ts";
import { sqlState } from "./sql_state.ts";
import type { Sql } from "./connection.ts";
import { codeOf } from "./errors.ts";
import {
  describeOwnPublication,
  listOwnPublications,
} from "./partitions/catalogue/publications.ts";
import { readTraits, whyUnfit } from "./server/requirements.ts";
import { inTransaction } from "./session/transaction.ts";
import type { Migration } from "./migrations/list.ts";

/** One key for every Holdfast: two processes that start together migrate one after the other. */
const lockKey = "holdfast.migrate";

function checksumOf(sql: string): string {
  return createHash("sha256").update(sql).digest("hex");
}

interface Applied {
  version: number;
  checksum: string;
}

/** The migrations of `list` that `applied` lacks. Throws when the past was edited or the database is newer. */
export function pendingMigrations(
  list: readonly Migration[],
  applied: readonly Applied[],
): Migration[] {
  const byVersion = new Map(list.map((migration) => [migration.version, migration]));
  for (const { version, checksum } of applied) {
    const known = byVersion.get(version);
    if (!known) {
      throw new StartError(
        `The database has migration ${version}, this Holdfast knows up to ${
          list.at(-1)?.version ?? 0
        }: start the newer Holdfast`,
      );
    }
    if (checksumOf(known.sql) !== checksum) {
      throw new StartError(
        `Migration ${version} (${known.name}) differs from the one applied to this database`,
      );
    }
  }
  const done = new Set(applied.map(({ version }) => version));
  return list.filter(({ version }) => !done.has(version));
}

/**
 * Applies what is missing, all in one transaction under an advisory lock, and answers the names.
 * With `dryRun` it only answers. Throws StartError where a subscriber would stop at the tables it makes, unless
 * `allowPublished`.
 */
export async function migrate(
  sql: Sql,
  list: readonly Migration[],
  { dryRun = false, allowPublished = false }: { dryRun?: boolean; allowPublished?: boolean } = {},
): Promise<string[]> {
  const [server] = await sql<{ number: string }[]>`
    select current_setting('server_version_num') as number`;
  if (Number(server?.number) < 140_000) {
    throw new StartError(`Postgres ${server?.number} is too old; Holdfast needs 14 or later`);
  }
  const unfit = whyUnfit(await readTraits(sql));
  if (unfit !== undefined) throw new StartError(unfit);
  if (dryRun) {
    const pending = pendingMigrations(list, await readApplied(sql));
    return pending.map(({ name }) => name);
  }
  return await inTransaction(sql, async (tx) => {
    await tx`set local lock_timeout = '60s'`;
    await tx`set local statement_timeout = '120s'`;
    await tx`select pg_advisory_xact_lock(hashtextextended(${lockKey}, 0))`;
    const pending = pendingMigrations(list, await readApplied(tx));
    if (pending.length > 0 && !allowPublished) await refusePublished(tx);
    await createLedger(tx);
    for (const { version, name, sql: text } of pending) {
      await tx.unsafe(text).simple();
      await tx`
        insert into holdfast.migrations (version, name, checksum)
        values (${version}, ${name}, ${checksumOf(text)})`;
    }
    return pending.map(({ name }) => name);
  });
}

async function refusePublished(tx: Sql): Promise<void> {
  const found = (await listOwnPublications(tx)).find(({ slots }) => slots.length > 0);
  if (!found) return;
  throw new StartError(
    `Nothing was made: ${
      describeOwnPublication(found)
    }. Publish tables or schemas by name instead, or set HOLDFAST_ALLOW_PUBLISHED=1 and make the schemas market and holdfast at the subscriber (pg_dump --schema-only)`,
  );
}

/** A role that may not create schemas can still run a Holdfast whose schemas an admin made. */
async function createLedger(tx: Sql): Promise<void> {
  const [found] = await tx`select to_regclass('holdfast.migrations') as ledger`;
  if (found?.ledger) return;
  try {
    await tx`create schema if not exists holdfast`;
    await tx`
      create table holdfast.migrations (
        version int4 primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`;
  } catch (error) {
    if (codeOf(error) !== sqlState.insufficientPrivilege) throw error;
    throw new StartError(
      "The role may not create the schemas market and holdfast; as an admin: grant create on database … to <role>",
      { cause: error },
    );
  }
}

async function readApplied(sql: Sql): Promise<Applied[]> {
  const [found] = await sql`select to_regclass('holdfast.migrations') as ledger`;
  if (!found?.ledger) return [];
  return await sql<Applied[]>`select version, checksum from holdfast.migrations order by version`;
}
