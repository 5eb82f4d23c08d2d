import type { Sql } from "../../../db/connection.ts";
import { closeWaysOut } from "../../../db/rehearsals/ways_out.ts";
import { analyseFully, readCopySize, rehearsalRole } from "../../../db/rehearsals/scratch.ts";
import {
  copyRoles,
  copyRoleSettings,
  createDatabase,
  listDatabases,
} from "../../../db/upgrade/accounts.ts";
import { listSequences, listTables } from "../../../db/upgrade/inventory.ts";
import {
  copyTable,
  dropSteps,
  openReader,
  prepareSteps,
  readSequences,
  setSequences,
} from "../../../db/upgrade/transfer.ts";
import { HoldfastError } from "../../../errors.ts";
import {
  connectTo,
  differencesText,
  findDifferences,
  findObstacles,
  moveSection,
  type MoveServers,
  onBoth,
} from "../../upgrade/databases.ts";
import type { UpgradeCost } from "../rehearsal.ts";

interface MoveOptions {
  servers: MoveServers & { user: string };
  database: string;
  pgDump: string;
  /** A folder for what pg_dump writes. */
  folder: string;
  to: number;
  signal: AbortSignal;
  onStep(step: string): void;
}

/** Throws `conflict` where the database holds what a rehearsal does not move to the newer version; `newer` is a session on it. */
export async function refuseObstacles(old: Sql, newer: Sql, major: number): Promise<void> {
  const obstacles = await findObstacles(old, newer);
  if (obstacles.length === 0) return;
  throw new HoldfastError(
    "conflict",
    `The upgrade to Postgres ${major} cannot be rehearsed: the database holds ${
      obstacles.join("; ")
    }`,
  );
}

/** Makes roles and the database in the new cluster. */
async function makeDatabase({ servers, database }: MoveOptions): Promise<void> {
  const old = connectTo(servers.old, database, servers.user);
  const fresh = connectTo(servers.fresh, "template1", servers.user);
  try {
    await copyRoles(old, fresh);
    const facts = (await listDatabases(old)).find(({ name }) => name === database);
    if (!facts) throw new HoldfastError("conflict", `The copy has no database ${database}`);
    await createDatabase(fresh, facts, { replace: true });
  } finally {
    await Promise.all([old, fresh].map((sql) => sql.end({ timeout: 5 })));
  }
}

/**
 * Copies all rows. The role that owns the tables loads them: functions of their constraints run as it, and it may do nothing
 * outside of the copy.
 */
async function moveRows({ servers, database, signal, onStep }: MoveOptions): Promise<void> {
  const { old, fresh, user } = servers;
  const lister = connectTo(old, database, user);
  const tables = await listTables(lister).finally(() => lister.end({ timeout: 5 }));
  const loader = connectTo(fresh, database, rehearsalRole);
  const reader = await openReader(old.target(database, user), database, signal);
  try {
    for (const [at, table] of tables.entries()) {
      signal.throwIfAborted();
      onStep(`rows of table ${at + 1} of ${tables.length}`);
      await copyTable({ old: reader, fresh: loader }, table);
    }
  } finally {
    reader.close();
    await loader.end({ timeout: 5 });
  }
}

/** Returns a function that runs a part of the move and returns its seconds. */
const timer = (signal: AbortSignal) => async (work: () => Promise<unknown>): Promise<number> => {
  signal.throwIfAborted();
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

/** Compares both sides, and returns what was compared. Throws `conflict` with the first differences. */
async function compare(options: MoveOptions): Promise<Pick<UpgradeCost, "tables" | "rows">> {
  const { tables, rows, differences } = await findDifferences(options);
  const text = differencesText(differences);
  if (text === undefined) return { tables, rows };
  throw new HoldfastError(
    "conflict",
    `Postgres ${options.to} does not hold the same after the move: ${text}`,
  );
}

/**
 * Moves one database of copy `a` to an empty cluster of a newer version: its schema by pg_dump, its rows by COPY, and compares
 * every object, sequence and row. Returns what it took. Throws `conflict` where both differ.
 */
export async function moveToNewer(options: MoveOptions): Promise<UpgradeCost> {
  const { servers, database, to, signal, onStep } = options;
  const timed = timer(signal);
  onStep("schema");
  const schema_seconds = await timed(async () => {
    await makeDatabase(options);
    await onBoth(servers, database, (_old, fresh) => prepareSteps(fresh));
    await moveSection(options, "pre-data");
  });
  const rows_seconds = await timed(async () => {
    await moveRows(options);
    await onBoth(
      servers,
      database,
      async (old, fresh) =>
        await setSequences(fresh, "sequences", await readSequences(old, await listSequences(old))),
    );
  });
  onStep("indexes, constraints and triggers");
  const indexes_seconds = await timed(() => moveSection(options, "post-data"));
  onStep("statistics");
  const statistics_seconds = await timed(() =>
    onBoth(servers, database, async (old, fresh) => {
      await dropSteps(fresh);
      await copyRoleSettings(old, fresh, database);
      await analyseFully(fresh);
    })
  );
  onStep("comparing every row");
  let compared = { tables: 0, rows: 0 };
  const compare_seconds = await timed(async () => compared = await compare(options));
  // Its extensions have come with their own privileges and handlers.
  await onBoth(servers, database, (_old, fresh) => closeWaysOut(fresh));
  const [before, after] = await onBoth(
    servers,
    database,
    (old, fresh) => Promise.all([readCopySize(old), readCopySize(fresh)]),
  );
  return {
    from_major: servers.old.major,
    to_major: to,
    ...compared,
    seconds: schema_seconds + rows_seconds + indexes_seconds + statistics_seconds,
    schema_seconds,
    rows_seconds,
    indexes_seconds,
    statistics_seconds,
    compare_seconds,
    bytes_before: before.bytes,
    bytes_after: after.bytes,
  };
}
