import { join } from "node:path";
import type { Logger } from "../../log.ts";
import type { Sql, Target } from "../connection.ts";
import { codeOf } from "../errors.ts";
import { quoteIdent } from "../sql.ts";
import type { RunAs } from "./command.ts";
import { replaceFile } from "./files.ts";
import { closeAccess, isClosed, openAccess } from "./host_access.ts";
import { readHostAccess } from "./cluster.ts";
import type { Place } from "./place.ts";
import { ensureRole, grantRights, handOver, hasRights, setPasswords } from "./roles.ts";
import { ownRole, type Secrets } from "./secrets.ts";
import { onServer } from "./session.ts";

type SocketTarget = Target & { kind: "socket" };

export interface AccessOptions {
  place: Place;
  as: RunAs | undefined;
  secrets: Secrets;
  /** The superuser, in the database that Holdfast works in. */
  admin: SocketTarget;
  /** Makes the server read pg_hba.conf again, without a login. */
  reload: () => Promise<void>;
  log: Logger;
}

const wrongPassword = (error: unknown) => codeOf(error).startsWith("28");

const pause = () => new Promise((done) => setTimeout(done, 50));
const attemptsMax = 200;

/** Says whether the server lets a role in this way. */
async function letsIn(target: SocketTarget): Promise<boolean> {
  try {
    await onServer(target, (sql) => sql`select 1`);
    return true;
  } catch (error) {
    if (wrongPassword(error)) return false;
    throw error;
  }
}

/** Waits until the server has applied the new pg_hba.conf after a reload. */
async function untilApplied(
  { admin, log }: AccessOptions,
  asked: { open: boolean },
): Promise<void> {
  const { passwordFile: _, ...unasked } = admin;
  const stranger = { ...unasked, database: "postgres" };
  for (let attempt = 0; await letsIn(stranger) !== asked.open; attempt++) {
    if (attempt === attemptsMax) {
      // A line of somebody else's stands before ours, or pg_hba.conf has a line that the server cannot read.
      log.error("embedded_postgres_access", {
        detail: "the server does not follow pg_hba.conf; its log says why",
      });
      return;
    }
    await pause();
  }
}

async function writeHostAccess({ place, as }: AccessOptions, text: string): Promise<void> {
  await replaceFile(join(place.cluster, "pg_hba.conf"), text, as);
}

/**
 * Sets the passwords of a cluster that knows others or none: one of an earlier version, one restored from a backup, or
 * one whose password file is lost. The superuser comes in unasked meanwhile, by a socket that only the server's user
 * can reach.
 */
async function resetPasswords(options: AccessOptions): Promise<void> {
  const { admin, secrets, place, reload } = options;
  await writeHostAccess(options, openAccess(await readHostAccess(place)));
  await reload();
  await untilApplied(options, { open: true });
  await onServer({ ...admin, database: "postgres" }, (sql) => setPasswords(sql, secrets));
}

/** Makes the role and the database; false where the superuser's password does not do. */
async function ensureDatabase({ admin, secrets }: AccessOptions): Promise<boolean> {
  try {
    await onServer({ ...admin, database: "postgres" }, async (sql: Sql) => {
      await ensureRole(sql, secrets);
      const found = await sql`select 1 from pg_database where datname = ${admin.database}`;
      if (found.length > 0) return;
      await sql.unsafe(`create database ${quoteIdent(admin.database)}`);
    });
    return true;
  } catch (error) {
    if (wrongPassword(error)) return false;
    throw error;
  }
}

/** Makes the view of statements in the database, and gives the role its rights there. */
async function ensureRights({ admin, log }: AccessOptions, takeOver: boolean): Promise<void> {
  await onServer(admin, async (sql) => {
    await sql.unsafe("create extension if not exists pg_stat_statements");
    if (!takeOver && await hasRights(sql)) return;
    await grantRights(sql, admin.database);
    if (!takeOver) return;
    const objects = await handOver(sql);
    if (objects > 0) log.info("embedded_postgres_handed_over", { role: ownRole, objects });
  });
}

/**
 * Sees to it that the running server asks everybody for a password, that Holdfast knows both, and that its own role and
 * database are there. What a crash cuts short is begun again: pg_hba.conf is closed last.
 */
export async function ensureAccess(options: AccessOptions): Promise<void> {
  const { place, reload, log } = options;
  const known = isClosed(await readHostAccess(place)) && await ensureDatabase(options);
  if (!known) {
    log.info("embedded_postgres_access", { detail: "the passwords of its roles are set" });
    await resetPasswords(options);
    await ensureDatabase(options);
  }
  await ensureRights(options, !known);
  if (known) return;
  await writeHostAccess(options, closeAccess(await readHostAccess(place)));
  await reload();
  await untilApplied(options, { open: false });
}
