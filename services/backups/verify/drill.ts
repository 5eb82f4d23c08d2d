import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  findSuperuser,
  hasDataChecksums,
  isOutOfResources,
  listDatabases,
  runAmcheck,
} from "../../../db/backups/checks.ts";
import {
  findPgCtl,
  type ScratchServer,
  startScratch,
  stopLeftover,
} from "../../../db/backups/cluster.ts";
import { databaseMark } from "../../../db/session/lock.ts";
import { writeScratchAccess } from "../../../db/backups/scratch_access.ts";
import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import { type RunAs, unprivilegedUser } from "../../../db/embedded/command.ts";
import { ownedDirectory, ownedFile } from "../../../db/embedded/files.ts";
import { superuser as embeddedSuperuser } from "../../../db/embedded/secrets.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { unlessAborted } from "../../../lib/deadline.ts";
import { compareRows } from "./rows.ts";
import { extractBackup } from "../restore/extract.ts";
import { checkPages } from "./pages.ts";
import type { BackupRecord, Proof } from "../record.ts";
import { ensureFreeSpace } from "../base/files.ts";

/** Checks the sealed partitions of a restored database against their manifests, until a time of performance.now(). */
export type SealCheck = (
  sql: Sql,
  deadline: number,
) => Promise<{ problems: string[]; notes: string[] }>;

export interface DrillOptions {
  path: string;
  record: BackupRecord;
  /** Directory for scratch servers, which the server's user must be able to enter. */
  home: string;
  /** Asks the production server; undefined when there is none to compare with. */
  production: (<T>(work: (sql: Sql) => Promise<T>) => Promise<T>) | undefined;
  /** Why production's rows say nothing of the backup; undefined when they can be compared. */
  abandoned?: string | undefined;
  checkSeals?: SealCheck | undefined;
  /** Name of Holdfast's role in the cluster. */
  user: string;
  /** Its database, whose backup lock the caller holds. */
  database: string;
  now: () => Date;
  signal: AbortSignal;
  onStep?: (step: string) => void;
}

/** Longest that counting, reading seals and amcheck may take each; milliseconds. */
const budgetMs = 900_000;

/** A Unix socket's path holds at most 107 bytes (unix(7)). */
const socketFolderMax = 80;

/** Directories of a drill, and the programs and the user of its server. */
interface Scratch {
  folder: string;
  data: string;
  sockets: string;
  pgCtl: string;
  as: RunAs | undefined;
  major: number;
}

interface Findings {
  problems: string[];
  notes: string[];
}

/** Which drill: one at a time for each database of a server that is not the embedded one. */
interface DrillPlace {
  home: string;
  system: string;
  database: string;
  embedded: boolean;
}

function foldersOf({ home, system, database, embedded }: DrillPlace) {
  const name = embedded ? `drill-${system}` : `drill-${system}-${databaseMark(database)}`;
  const folder = join(home, name);
  const sockets = folder.length < socketFolderMax ? folder : join(tmpdir(), `holdfast-${name}`);
  return { folder, sockets };
}

/** Stops and removes what an interrupted drill left behind. */
export async function sweepDrill(
  { major, ...place }: DrillPlace & { major: number },
): Promise<void> {
  const { folder, sockets } = foldersOf(place);
  const pgCtl = await findPgCtl({ major, embedded: place.embedded });
  const as = unprivilegedUser();
  if (pgCtl) await stopLeftover({ pgCtl, data: join(folder, "data"), as });
  for (const path of [folder, sockets]) await rm(path, { recursive: true, force: true });
}

/**
 * Restores a backup into a scratch server, checks its content, measures the recovery time, and removes everything.
 * Returns the findings; throws only when it was aborted, disk or memory ran out, or the programs are missing.
 */
export async function runDrill(options: DrillOptions): Promise<Proof> {
  const { now, signal } = options;
  const scratch = await prepareScratch(options);
  const began = performance.now();
  const found: Findings = { problems: [], notes: [] };
  let recoverySeconds = 0;
  let server: ScratchServer | undefined;
  try {
    server = await startRestored(scratch, options);
    recoverySeconds = (performance.now() - began) / 1000;
    const { checksums, ...databases } = await checkDatabases(server, options);
    add(found, databases);
    await server.stop();
    server = undefined;
    add(found, await checkFiles(scratch.data, checksums, options));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof HoldfastError && error.code === "storage_full") throw error;
    // This machine, and not the backup, failed: an earlier proof stands.
    if (isOutOfResources(error)) {
      throw new HoldfastError(
        "storage_full",
        `The drill ran out of disk or memory: ${messageOf(error)}`,
        { cause: error },
      );
    }
    found.problems.push(messageOf(error));
  } finally {
    await server?.stop().catch(() => {});
    await sweepDrill({ ...placeOf(options), major: scratch.major });
  }
  return { at: now().toISOString(), recovery_seconds: recoverySeconds, ...found };
}

function add(found: Findings, { problems, notes }: Findings): void {
  found.problems.push(...problems);
  found.notes.push(...notes);
}

const placeOf = ({ home, database, record: { system, embedded } }: DrillOptions): DrillPlace => ({
  home,
  system,
  database,
  embedded,
});

async function prepareScratch(options: DrillOptions): Promise<Scratch> {
  const { record, home } = options;
  const major = Math.floor(record.server_version / 10_000);
  const as = unprivilegedUser();
  const pgCtl = await findPgCtl({ major, embedded: record.embedded });
  if (!pgCtl) {
    throw new HoldfastError(
      "conflict",
      `A drill needs the programs of Postgres ${major}; they are not in /usr/lib/postgresql/${major}/bin`,
    );
  }
  const place = placeOf(options);
  await sweepDrill({ ...place, major });
  await mkdir(home, { recursive: true });
  await ensureFreeSpace(home, record.raw_bytes, "a restore drill");
  const { folder, sockets } = foldersOf(place);
  await ownedDirectory(folder, 0o700, as);
  return { folder, data: join(folder, "data"), sockets, pgCtl, as, major };
}

async function startRestored(
  { folder, data, sockets, pgCtl, as, major }: Scratch,
  { path, record, signal, onStep = () => {} }: DrillOptions,
): Promise<ScratchServer> {
  await ownedDirectory(sockets, 0o700, as);
  await ownedDirectory(data, 0o700, as);
  onStep("unpacking");
  await extractBackup({ path, record, to: data, as, durable: false, signal });
  onStep("recovering");
  const emptyConf = join(folder, "drill.conf");
  await ownedFile(emptyConf, "", "write", as);
  await writeScratchAccess(emptyConf, { major, as });
  const server = await startScratch({
    pgCtl,
    data,
    sockets,
    emptyConf,
    log: join(folder, "drill.log"),
    as,
    recovery: {},
    durable: false,
    timeoutMs: 3_600_000,
    signal,
  });
  // Statements fail at once when their server stops: an abort need not wait for them.
  signal.addEventListener("abort", () => void server.stop().catch(() => {}), { once: true });
  return server;
}

/** Returns a superuser's name and the databases of a scratch server. */
async function enter(server: ScratchServer, user: string) {
  let last: unknown;
  // Not every cluster has a database postgres, and a backup may be older than Holdfast's role.
  const ways = ["postgres", "template1"].flatMap((database) =>
    [user, embeddedSuperuser].map((role) => ({ database, role }))
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
    `No role can log in to the restored cluster: ${describeDatabaseError(last)}`,
  );
}

async function checkDatabases(
  server: ScratchServer,
  options: DrillOptions,
): Promise<Findings & { checksums: boolean }> {
  const { record, signal, onStep = () => {} } = options;
  const found = { problems: [] as string[], notes: [] as string[], checksums: false };
  const { superuser, databases } = await enter(server, options.user);
  // The comparison reads the next transaction's id, and so comes before anything that takes one.
  if (databases.includes(record.database)) {
    signal.throwIfAborted();
    const sql = server.connect(record.database, superuser);
    try {
      found.checksums = await hasDataChecksums(sql);
      add(found, await checkContent(sql, options));
    } finally {
      await sql.end({ timeout: 2 });
    }
  } else {
    found.problems.push(`the database ${record.database} is not in the restored cluster`);
  }
  const sums = { tables: 0, indexes: 0, left: 0, unloadable: 0 };
  const deadline = performance.now() + budgetMs;
  for (const database of databases) {
    signal.throwIfAborted();
    onStep(`checking ${database} with amcheck`);
    const sql = server.connect(database, superuser);
    try {
      const checked = await runAmcheck(sql, deadline);
      if (checked.missing) found.notes.push(`amcheck is not available for ${database}: left out`);
      found.problems.push(...checked.problems.map((problem) => `amcheck: ${database}: ${problem}`));
      sums.tables += checked.tables;
      sums.indexes += checked.indexes;
      sums.left += checked.left;
      sums.unloadable += checked.unloadable;
    } finally {
      await sql.end({ timeout: 2 });
    }
  }
  found.notes.push(
    `amcheck: ${sums.tables} tables and ${sums.indexes} indexes` +
      (sums.left > 0 ? `; ${sums.left} were left out for lack of time` : "") +
      (sums.unloadable > 0
        ? `; ${sums.unloadable} of the indexes were left out: this machine lacks the libraries of their extensions`
        : ""),
  );
  return found;
}

/** Compares the rows with the production server's, and the sealed partitions with their manifests. */
async function checkContent(
  sql: Sql,
  { record, production, abandoned, checkSeals, signal, onStep = () => {} }: DrillOptions,
): Promise<Findings> {
  onStep("counting rows");
  const rows = await compareRows({
    restored: sql,
    production: production && ((work) => unlessAborted(signal, production(work))),
    abandoned,
    firstXid: record.first_xid,
    deadline: performance.now() + budgetMs,
  });
  onStep("reading sealed partitions");
  const seals = await checkSeals?.(sql, performance.now() + budgetMs);
  return {
    problems: [...rows.problems, ...seals?.problems ?? []],
    notes: [...rows.notes, ...seals?.notes ?? []],
  };
}

/** Checks the page checksums of the stopped cluster. */
async function checkFiles(
  data: string,
  checksums: boolean,
  { signal, onStep = () => {} }: DrillOptions,
): Promise<Findings> {
  onStep("checking pages");
  if (!checksums) {
    return {
      problems: [],
      notes: ["the server has no data checksums: pages were not checked one by one"],
    };
  }
  const { problems, files } = await checkPages(data, signal);
  return { problems, notes: [`the checksums of all pages in ${files} files were read`] };
}
