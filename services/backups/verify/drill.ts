import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSuperuser, listDatabases, runAmcheck } from "../../../db/backups/checks.ts";
import {
  findPgCtl,
  type ScratchServer,
  startScratch,
  stopLeftover,
} from "../../../db/backups/cluster.ts";
import { writeScratchAccess } from "../../../db/backups/scratch_access.ts";
import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import { type RunAs, unprivilegedUser } from "../../../db/embedded/command.ts";
import { ownedDirectory, ownedFile } from "../../../db/embedded/files.ts";
import { superuser } from "../../../db/embedded/secrets.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { unlessAborted } from "../../../lib/deadline.ts";
import { compareRows } from "./rows.ts";
import { extractBackup } from "../restore/extract.ts";
import { checkPages } from "./pages.ts";
import type { BackupRecord, Proof } from "../record.ts";
import { needRoom } from "../base/base_backup.ts";

/** Checks the sealed partitions of a restored database against their manifests, until a time of performance.now(). */
export type SealCheck = (
  sql: Sql,
  deadline: number,
) => Promise<{ problems: string[]; notes: string[] }>;

export interface DrillOptions {
  path: string;
  record: BackupRecord;
  /** Where scratch servers live; the server's user must be able to enter it. */
  home: string;
  living: (<T>(work: (sql: Sql) => Promise<T>) => Promise<T>) | undefined;
  checkSeals?: SealCheck | undefined;
  /** As whom the role of Holdfast is known to the cluster. */
  user: string;
  now: () => Date;
  signal: AbortSignal;
  onStep?: (step: string) => void;
  /** Longest that amcheck and counting may take each. */
  budgetMs?: number;
  /** For tests: what may befall the cluster's files. */
  beforePages?: (data: string) => Promise<void>;
}

const folder = (home: string, system: string) => join(home, `drill-${system}`);

/** Stops and removes what a drill that was cut short left behind. */
export async function sweepDrill(
  { home, system, major, embedded }: {
    home: string;
    system: string;
    major: number;
    embedded: boolean;
  },
): Promise<void> {
  const place = folder(home, system);
  const pgCtl = await findPgCtl({ major, embedded });
  const as = unprivilegedUser();
  if (pgCtl) await stopLeftover({ pgCtl, data: join(place, "data"), as });
  await rm(place, { recursive: true, force: true });
}

/** A superuser's name, and the databases of a scratch server. */
async function enter(server: ScratchServer, user: string) {
  let last: unknown;
  // Not every cluster has a database postgres.
  const ways = ["postgres", "template1"].flatMap((database) =>
    // A backup may be older than the role.
    [user, superuser].map((role) => ({ database, role }))
  );
  for (const { database, role } of ways) {
    const sql = server.connect(database, role);
    try {
      return { superuser: await findSuperuser(sql) ?? role, databases: await listDatabases(sql) };
    } catch (error) {
      last = error;
    } finally {
      await sql.end({ timeout: 2 });
    }
  }
  throw new HoldfastError(
    "conflict",
    `The restored cluster lets nobody in: ${describeDatabaseError(last)}`,
  );
}

interface Found {
  problems: string[];
  notes: string[];
  /** Whether pages have checksums. */
  checksums?: boolean;
}

async function checkDatabases(
  { server, options }: { server: ScratchServer; options: DrillOptions },
): Promise<Found> {
  const { record, living, checkSeals, budgetMs = 900_000, onStep = () => {} } = options;
  const found: Found = { problems: [], notes: [] };
  const { superuser, databases } = await enter(server, options.user);
  for (const database of databases) {
    options.signal.throwIfAborted();
    const sql = server.connect(database, superuser);
    try {
      // Before anything takes a transaction's id: the comparison asks for the next one.
      if (database === record.database) {
        const [setting] = await sql`show data_checksums`;
        found.checksums = setting?.data_checksums === "on";
        onStep("counting rows");
        const deadline = performance.now() + budgetMs;
        const { problems, notes } = await compareRows({
          restored: sql,
          living: living && ((work) => unlessAborted(options.signal, living(work))),
          firstXid: record.first_xid,
          deadline,
        });
        found.problems.push(...problems);
        found.notes.push(...notes);
        onStep("reading sealed partitions");
        const seals = await checkSeals?.(sql, performance.now() + budgetMs);
        found.problems.push(...seals?.problems ?? []);
        found.notes.push(...seals?.notes ?? []);
      }
    } finally {
      await sql.end({ timeout: 2 });
    }
  }
  const sums = { tables: 0, indexes: 0, left: 0 };
  const deadline = performance.now() + budgetMs;
  for (const database of databases) {
    options.signal.throwIfAborted();
    onStep(`checking ${database} with amcheck`);
    const sql = server.connect(database, superuser);
    try {
      const checked = await runAmcheck(sql, deadline);
      if (checked.missing) found.notes.push(`amcheck is not available for ${database}: left out`);
      found.problems.push(...checked.problems.map((problem) => `amcheck: ${database}: ${problem}`));
      sums.tables += checked.tables;
      sums.indexes += checked.indexes;
      sums.left += checked.left;
    } finally {
      await sql.end({ timeout: 2 });
    }
  }
  found.notes.push(
    `amcheck: ${sums.tables} tables and ${sums.indexes} indexes` +
      (sums.left > 0 ? `; ${sums.left} were left out for want of time` : ""),
  );
  return found;
}

/**
 * Restores a backup into a scratch server, checks what it holds, measures how long it took, and throws it all away.
 * Answers what it found; throws only when it was aborted or the disk has no room.
 */
export async function runDrill(options: DrillOptions): Promise<Proof> {
  const { path, record, home, now, signal, onStep = () => {} } = options;
  const major = Math.floor(record.server_version / 10_000);
  const as: RunAs | undefined = unprivilegedUser();
  const pgCtl = await findPgCtl({ major, embedded: record.embedded });
  if (!pgCtl) {
    throw new HoldfastError(
      "conflict",
      `A drill needs the programs of Postgres ${major}; they are not in /usr/lib/postgresql/${major}/bin`,
    );
  }
  const place = folder(home, record.system);
  const data = join(place, "data");
  await sweepDrill({ home, system: record.system, major, embedded: record.embedded });
  await mkdir(home, { recursive: true });
  await needRoom(home, record.raw_bytes, "a restore drill");
  await ownedDirectory(place, 0o700, as);
  const sockets = place.length < 80 ? place : join(tmpdir(), `holdfast-drill-${record.system}`);
  const began = performance.now();
  let recoverySeconds = 0;
  const found: Found = { problems: [], notes: [] };
  let server: ScratchServer | undefined;
  try {
    await ownedDirectory(sockets, 0o700, as);
    await ownedDirectory(data, 0o700, as);
    onStep("unpacking");
    await extractBackup({ path, record, to: data, as, durable: false, signal });
    onStep("recovering");
    const emptyConf = join(place, "drill.conf");
    await ownedFile(emptyConf, "", "write", as);
    await writeScratchAccess(emptyConf, { major, as });
    server = await startScratch({
      pgCtl,
      data,
      sockets,
      emptyConf,
      log: join(place, "drill.log"),
      as,
      recovery: {},
      durable: false,
      timeoutMs: 3_600_000,
      signal,
    });
    recoverySeconds = (performance.now() - began) / 1000;
    // Its statements fail at once when it is stopped: an abort need not wait for them.
    const running = server;
    signal.addEventListener("abort", () => void running.stop().catch(() => {}), { once: true });
    const { problems, notes, checksums } = await checkDatabases({ server, options });
    found.problems.push(...problems);
    found.notes.push(...notes);
    await server.stop();
    server = undefined;
    onStep("checking pages");
    await options.beforePages?.(data);
    if (checksums) {
      const pages = await checkPages(data, signal);
      found.problems.push(...pages.problems);
      found.notes.push(`the checksums of all pages in ${pages.files} files were read`);
    } else found.notes.push("the server has no data checksums: pages were not checked one by one");
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HoldfastError && error.code === "storage_full") throw error;
    found.problems.push(messageOf(error));
  } finally {
    await server?.stop().catch(() => {});
    await sweepDrill({ home, system: record.system, major, embedded: record.embedded });
    if (sockets !== place) await rm(sockets, { recursive: true, force: true });
  }
  return { at: now().toISOString(), recovery_seconds: recoverySeconds, ...found };
}
