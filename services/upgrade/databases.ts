import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ScratchServer } from "../../db/backups/cluster.ts";
import { forPrograms } from "../../db/address/programs.ts";
import { superuser } from "../../db/embedded/secrets.ts";
import type { Sql } from "../../db/connection.ts";
import {
  listAvailableExtensions,
  listExtensions,
  listObjects,
  listObstacles,
  listSequences,
  listTables,
  type StoredTable,
} from "../../db/upgrade/inventory.ts";
import {
  analyse,
  copyTable,
  dropSteps,
  openReader,
  prepareSteps,
  readContent,
  readSequences,
  runSection,
  setSequences,
} from "../../db/upgrade/transfer.ts";
import { HoldfastError } from "../../errors.ts";
import { bytesText } from "../../lib/text/format.ts";
import { spawnPgDump } from "../backups/base/pg_dump.ts";

/** Longest single statement of an upgrade: the COPY of the largest table, or its indexes; milliseconds. */
const statementMsMax = 24 * 3_600_000;
const differencesShown = 5;

/** The server of the old major version and that of the new one. */
export interface MoveServers {
  old: ScratchServer;
  fresh: ScratchServer;
  /** A superuser of both; by default that of embedded clusters. */
  user?: string;
}

/** Opens a client of one connection on a database, by default as superuser. */
export const connectTo = (server: ScratchServer, database: string, user = superuser): Sql =>
  server.connect(database, user, {
    applicationName: "holdfast-upgrade",
    statementTimeoutMs: statementMsMax,
  });

/** Lets `work` have a client of a database on each server. */
export async function onBoth<T>(
  { old, fresh, user }: MoveServers,
  database: string,
  work: (old: Sql, fresh: Sql) => Promise<T>,
): Promise<T> {
  const clients = [connectTo(old, database, user), connectTo(fresh, database, user)] as const;
  try {
    return await work(...clients);
  } finally {
    await Promise.all(clients.map((client) => client.end({ timeout: 5 })));
  }
}

export interface Move {
  servers: MoveServers;
  database: string;
  pgDump: string;
  /** A folder for what pg_dump writes. */
  folder: string;
  signal: AbortSignal;
  say: (line: string) => void;
}

export const named = ({ schema, name }: { schema: string; name: string }) => `${schema}.${name}`;
const total = (tables: readonly StoredTable[]) => tables.reduce((sum, { bytes }) => sum + bytes, 0);

/** Names what the database holds that an upgrade does not move; `fresh` is any database of the new server. */
export async function findObstacles(old: Sql, fresh: Sql): Promise<string[]> {
  const available = await listAvailableExtensions(fresh);
  const missing = (await listExtensions(old)).filter((name) => !available.has(name));
  return [
    ...await listObstacles(old),
    ...missing.map((name) => `the extension ${name}, which this Postgres lacks`),
  ];
}

/** Throws `conflict` where the database holds what an upgrade does not move. */
async function refuseObstacles(old: Sql, fresh: Sql, database: string): Promise<void> {
  const obstacles = await findObstacles(old, fresh);
  if (obstacles.length === 0) return;
  throw new HoldfastError(
    "conflict",
    `The database ${database} holds what an upgrade does not move: ${
      obstacles.join("; ")
    }. Remove it with the Holdfast that made the cluster, or move the database with pg_dump and pg_restore`,
  );
}

/** Runs one section of the schema, as pg_dump writes it, in the new database. */
export async function moveSection(
  { servers, database, pgDump, folder, signal }: Omit<Move, "say">,
  section: "pre-data" | "post-data",
): Promise<void> {
  const path = join(folder, `${section}.sql`);
  const { conninfo } = forPrograms(servers.old.target(database, servers.user ?? superuser));
  const args = ["--section", section, "--format", "plain", "--quote-all-identifiers"];
  await spawnPgDump(pgDump, {
    args: [...args, "--no-subscriptions", "--no-password", "--file", path, "--dbname", conninfo],
    env: {},
    signal,
  });
  const fresh = connectTo(servers.fresh, database, servers.user);
  try {
    await runSection(fresh, section, await readFile(path, "utf8"));
  } finally {
    await fresh.end({ timeout: 5 });
  }
}

/** Moves one database; what an earlier run has moved stays. Both sides must exist. */
export async function moveDatabase(move: Move): Promise<void> {
  const { servers, database, signal, say } = move;
  await onBoth(servers, database, async (old, fresh) => {
    const done = await prepareSteps(fresh);
    await refuseObstacles(old, fresh, database);
    if (!done.has("pre-data")) await moveSection(move, "pre-data");
    const tables = await listTables(old);
    const left = tables.filter((table) => !done.has(`rows ${named(table)}`));
    say(
      `${database}: ${tables.length} tables, ${bytesText(total(tables))}` +
        (left.length < tables.length ? `; ${tables.length - left.length} are moved already` : ""),
    );
    const user = servers.user ?? superuser;
    const reader = await openReader(servers.old.target(database, user), database, signal);
    try {
      for (const table of left) {
        signal.throwIfAborted();
        await copyTable({ old: reader, fresh, step: `rows ${named(table)}` }, table);
      }
    } finally {
      reader.close();
    }
    if (!done.has("sequences")) {
      await setSequences(fresh, "sequences", await readSequences(old, await listSequences(old)));
    }
    if (!done.has("post-data")) {
      say(`${database}: indexes, constraints and triggers`);
      await moveSection(move, "post-data");
    }
  });
}

function compareLists(old: readonly string[], fresh: readonly string[]): string[] {
  const [before, after] = [new Set(old), new Set(fresh)];
  return [
    ...old.filter((one) => !after.has(one)).map((one) => `missing: ${one}`),
    ...fresh.filter((one) => !before.has(one)).map((one) => `added: ${one}`),
  ];
}

/** Reads all tables on both servers at once, and returns the rows and the tables that differ. */
async function compareTables(
  { servers, database, signal }: Pick<Move, "servers" | "database" | "signal">,
  tables: readonly StoredTable[],
): Promise<{ rows: number; unequal: string[] }> {
  const open = (server: ScratchServer) =>
    openReader(server.target(database, servers.user ?? superuser), database, signal);
  const old = await open(servers.old);
  const fresh = await open(servers.fresh);
  let rows = 0;
  const unequal: string[] = [];
  try {
    for (const table of tables) {
      const [before, after] = await Promise.all([
        readContent(old, table),
        readContent(fresh, table),
      ]);
      rows += before.rows;
      if (before.rows === after.rows && before.sha256 === after.sha256) continue;
      unequal.push(
        `${named(table)} has ${before.rows} and ${after.rows} rows` +
          (before.rows === after.rows ? " of other content" : ""),
      );
    }
  } finally {
    old.close();
    fresh.close();
  }
  return { rows, unequal };
}

/** What a comparison of a database on both servers has found. */
export interface Comparison {
  tables: number;
  rows: number;
  /** In words; empty where both are the same. */
  differences: string[];
}

/**
 * Compares a database on both servers: every object, where each sequence stands, and of each table all rows by count and
 * SHA-256. Where objects differ, rows are not read.
 */
export async function findDifferences(
  { servers, database, signal }: Pick<Move, "servers" | "database" | "signal">,
): Promise<Comparison> {
  return await onBoth(servers, database, async (old, fresh) => {
    const tables = await listTables(old);
    const differences = compareLists(await listObjects(old), await listObjects(fresh));
    if (differences.length > 0) return { tables: tables.length, rows: 0, differences };
    const sequences = await listSequences(old);
    const standings = async (sql: Sql) =>
      (await readSequences(sql, sequences)).map((one) =>
        `sequence ${named(one)} at ${one.value} ${one.called}`
      );
    differences.push(...compareLists(await standings(old), await standings(fresh)));
    const { rows, unequal } = await compareTables({ servers, database, signal }, tables);
    return { tables: tables.length, rows, differences: [...differences, ...unequal] };
  });
}

/** Returns the first differences as a text; undefined for none. */
export function differencesText(differences: readonly string[]): string | undefined {
  if (differences.length === 0) return undefined;
  const rest = differences.length - differencesShown;
  return differences.slice(0, differencesShown).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}

/** Compares a database on both servers, and returns the rows. Throws `conflict` with the first differences. */
export async function compareDatabase(
  { say, ...comparing }: Pick<Move, "servers" | "database" | "signal" | "say">,
): Promise<number> {
  const { database } = comparing;
  const { tables, rows, differences } = await findDifferences(comparing);
  const text = differencesText(differences);
  if (text !== undefined) {
    throw new HoldfastError(
      "conflict",
      `The database ${database} is not the same in both clusters: ${text}. Nothing was switched; begin again with --restart`,
    );
  }
  say(`${database}: ${rows} rows of ${tables} tables are equal (count and SHA-256 of each)`);
  return rows;
}

/** Leaves a compared database as it will be used: with statistics, without the records of the upgrade. */
export async function finishDatabase(server: ScratchServer, database: string): Promise<void> {
  const sql = connectTo(server, database);
  try {
    await analyse(sql);
    await dropSteps(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
