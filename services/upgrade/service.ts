import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  copyDatabaseGrants,
  copyRoles,
  copyRoleSettings,
  createDatabase,
  type DatabaseFacts,
  listClosedDatabases,
  listDatabases,
  listTablespaces,
} from "../../db/upgrade/accounts.ts";
import { listTables } from "../../db/upgrade/inventory.ts";
import { countRows } from "../../db/upgrade/transfer.ts";
import type { Sql } from "../../db/connection.ts";
import { upgradeFolder } from "../../db/embedded/place.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { ensureFreeSpace } from "../backups/base/files.ts";
import { compareDatabase, connectTo, finishDatabase, moveDatabase, onBoth } from "./databases.ts";
import type { OldPrograms } from "./programs.ts";
import { type Servers, startBoth, startOld } from "./servers.ts";
import type { Survey } from "./survey.ts";
import { carryAccess, listOwnSettings, switchClusters } from "./switch.ts";

export interface UpgradeOptions {
  survey: Survey;
  programs: OldPrograms;
  signal: AbortSignal;
  log: Logger;
  say: (line: string) => void;
}

/** Throws `conflict` where the cluster holds what an upgrade does not move. */
async function refuseCluster(old: Sql): Promise<void> {
  const closed = await listClosedDatabases(old);
  if (closed.length > 0) {
    throw new HoldfastError(
      "conflict",
      `The cluster has databases that allow no connections (${
        closed.join(", ")
      }), which an upgrade cannot read; drop them, or allow connections (alter database … allow_connections true), with the Holdfast that made the cluster`,
    );
  }
  const names = await listTablespaces(old);
  if (names.length === 0) return;
  throw new HoldfastError(
    "conflict",
    `The cluster has tablespaces (${
      names.join(", ")
    }), which an upgrade does not move; move their tables to pg_default with the Holdfast that made the cluster`,
  );
}

/** Returns the bytes of all databases, and says what each holds. */
async function describe(
  server: Awaited<ReturnType<typeof startOld>>,
  say: (line: string) => void,
): Promise<number> {
  const postgres = connectTo(server, "postgres");
  let bytes = 0;
  try {
    await refuseCluster(postgres);
    for (const { name } of await listDatabases(postgres)) {
      const sql = connectTo(server, name);
      try {
        const tables = await listTables(sql);
        let rows = 0;
        for (const table of tables) {
          rows += await countRows(sql, table);
          bytes += table.bytes;
        }
        say(`would move the database ${name}: ${tables.length} tables, ${rows} rows`);
      } finally {
        await sql.end({ timeout: 5 });
      }
    }
  } finally {
    await postgres.end({ timeout: 5 });
  }
  return bytes;
}

/** Says what an upgrade would do. Starts the old server to count its rows, and changes none. */
export async function rehearseUpgrade(options: UpgradeOptions): Promise<void> {
  const { survey, programs, signal, say } = options;
  const { old, kept, from, to, home } = survey;
  const left = join(home, upgradeFolder);
  const wasThere = existsSync(left);
  const server = await startOld(survey, { pgCtl: programs.pgCtl, signal });
  let bytes: number;
  try {
    bytes = await describe(server, say);
  } finally {
    await server.stop("fast");
    if (!wasThere) await rm(left, { recursive: true, force: true });
  }
  await ensureFreeSpace(home, bytes * 1.5, `the cluster of Postgres ${to}`);
  say(
    `would keep the cluster of Postgres ${from} as ${kept}, and use the new one as ${old.cluster}`,
  );
  for (const line of await listOwnSettings(survey)) say(`would not carry over: ${line}`);
}

/** Makes a database in the new cluster where it is missing. `postgres` is there already. */
async function ensureDatabases(fresh: Sql, databases: readonly DatabaseFacts[]): Promise<void> {
  const present = new Set((await listDatabases(fresh)).map(({ name }) => name));
  for (const facts of databases) if (!present.has(facts.name)) await createDatabase(fresh, facts);
}

/** Makes the roles and databases in the new cluster, and moves what is in them. */
async function moveAll(
  { survey, programs, signal, say }: UpgradeOptions,
  servers: Servers,
  databases: readonly DatabaseFacts[],
): Promise<void> {
  const sizes = await Promise.all(databases.map(async ({ name }) => {
    const sql = connectTo(servers.old, name);
    return await listTables(sql).finally(() => sql.end({ timeout: 5 }));
  }));
  const bytes = sizes.flat().reduce((sum, table) => sum + table.bytes, 0);
  await ensureFreeSpace(survey.home, bytes * 1.5, `the cluster of Postgres ${survey.to}`);
  await onBoth(servers, "postgres", async (old, fresh) => {
    say(`${await copyRoles(old, fresh)} roles`);
    await ensureDatabases(fresh, databases);
  });
  const folder = join(survey.home, upgradeFolder);
  for (const { name: database } of databases) {
    await moveDatabase({ servers, database, pgDump: programs.pgDump, folder, signal, say });
  }
}

/** Moves what is not moved yet, compares everything, and leaves the new cluster as it will be used. */
async function makeFresh(options: UpgradeOptions, servers: Servers): Promise<void> {
  const { survey, signal, say } = options;
  const databases = await onBoth(servers, "postgres", async (old) => {
    await refuseCluster(old);
    return await listDatabases(old);
  });
  // Once all is compared, the records of the steps are dropped; this one stays.
  const moved = join(survey.home, upgradeFolder, "moved");
  if (!existsSync(moved)) await moveAll(options, servers, databases);
  let rows = 0;
  for (const { name: database } of databases) {
    rows += await compareDatabase({ servers, database, signal, say });
  }
  await writeFile(moved, "", { flush: true });
  await onBoth(servers, "postgres", async (old, fresh) => {
    await copyRoleSettings(old, fresh);
    await copyDatabaseGrants(old, fresh);
  });
  for (const { name } of databases) await finishDatabase(servers.fresh, name);
  say(`${rows} rows in all are equal`);
}

/**
 * Moves the cluster of an older major version to a new one, compares both, and switches. Cut short at any moment, it goes on
 * when it is called again; until the switch, the old cluster stays in its place. Throws `conflict` where the cluster holds what
 * it does not move or where both differ.
 */
export async function runUpgrade(options: UpgradeOptions): Promise<void> {
  const { survey, programs, signal, log, say } = options;
  const { pgCtl } = programs;
  const servers = await startBoth(survey, { pgCtl, signal, log });
  try {
    await makeFresh(options, servers);
  } finally {
    await servers.stop();
  }
  await carryAccess(survey);
  await switchClusters(survey);
  for (
    const line of await listOwnSettings({ ...survey, old: { ...survey.old, cluster: survey.kept } })
  ) {
    say(`not carried over, set it again where it is still wanted: ${line}`);
  }
}

/** Removes the clusters that upgrades have kept, and says their names. */
export async function discardKept({ keptBefore }: Survey, say: (line: string) => void) {
  for (const path of keptBefore) {
    await rm(path, { recursive: true, force: true });
    say(`removed ${path}`);
  }
}
