import { spawn } from "node:child_process";
import type { ServerFacts } from "../../../db/backups/facts.ts";
import { findPgCtl } from "../../../db/backups/cluster.ts";
import { forPrograms } from "../../../db/address/programs.ts";
import type { Walsender } from "../../../db/backups/walsender.ts";
import type { Sql, Target } from "../../../db/connection.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import { runStatement } from "../../../db/rehearsals/replay.ts";
import {
  analyseAll,
  copySample,
  createDatabase,
  listTables,
  readDatabaseForm,
  type SampledTable,
} from "../../../db/rehearsals/sampling.ts";
import { confineUsers, rehearsalRole } from "../../../db/rehearsals/scratch.ts";
import { closeWaysOut } from "../../../db/rehearsals/ways_out.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { findPgDump } from "../../backups/base/pg_dump.ts";
import { splitStatements } from "../workload/sql_text.ts";
import { makeCluster } from "./cluster.ts";
import type { CopySource } from "./pair.ts";

/** Tables up to this size are copied completely. */
const smallTableBytes = 256 * 1024;
const schemaBytesMax = 64 * 1024 * 1024;
/** Longest that pg_dump waits for a table that somebody has locked; milliseconds. */
const lockWaitMs = 30_000;
const problemsMax = 10;
const superuser = "holdfast_copy";

/** Content of a sampled copy. */
export interface Sample {
  /** Copied rows of all rows, 0 to 1, by the server's estimates. */
  share: number;
  problems: string[];
}

/** Returns the share of each large table that fits into a budget; 1 when all fit. Pure. */
function shareFor(tables: readonly Pick<SampledTable, "bytes">[], budget: number): number {
  const large = tables.filter(({ bytes }) => bytes > smallTableBytes);
  const total = large.reduce((sum, { bytes }) => sum + bytes, 0);
  return total <= budget ? 1 : budget / total;
}

/**
 * Returns a source for roles that may not replicate: the schema from pg_dump, and a sample of the rows, read with SELECT
 * under ACCESS SHARE. `sample` is filled in while it is loaded.
 */
export function sampledSource(
  { target, facts, budgetBytes, openProduction, openReader }: {
    target: Target;
    facts: ServerFacts;
    budgetBytes: number;
    openProduction(): Sql;
    /** Opens a session of the production server that reads rows. */
    openReader(signal: AbortSignal): Promise<Walsender>;
  },
): CopySource & { sample: Sample } {
  const major = Math.floor(facts.version / 10_000);
  const sample: Sample = { share: 1, problems: [] };
  const note = (problem: string) => {
    if (sample.problems.length < problemsMax) sample.problems.push(problem);
  };
  return {
    major,
    embedded: false,
    database: facts.database,
    role: superuser,
    bytes: Math.min(budgetBytes * 2, facts.bytes ?? budgetBytes) + 64 * 1024 * 1024,
    sample,
    async fill(data) {
      const pgCtl = await findPgCtl({ major, embedded: false });
      await makeCluster(pgCtl ?? "", data, superuser);
    },
    async load(connect, signal) {
      const production = openProduction();
      try {
        const form = await readDatabaseForm(production);
        const tables = await listTables(production);
        const admin = connect("template1", superuser);
        const { sameLocale } = await createDatabase(admin, facts.database, form)
          .finally(() => admin.end({ timeout: 1 }));
        if (!sameLocale) {
          note(`This machine has no locale ${form.collate}: text is sorted bytewise on the copy`);
        }
        const unreadable = tables.filter(({ readable }) => !readable);
        for (const { label } of unreadable) note(`${label} may not be read, and is missing`);
        const schema = await dumpSchema({ target, major, unreadable, signal });
        const copy = connect(facts.database, superuser);
        try {
          await runScript(copy, schema.before, note, signal);
          // From here on functions of users run, in constraints and indexes: never as a superuser. Triggers and foreign
          // keys are made after the rows.
          await confineUsers(copy);
          await closeWaysOut(copy);
          const loader = connect(facts.database, rehearsalRole);
          try {
            const chosen = tables.filter(({ readable, bytes }) => readable && bytes > 0);
            sample.share = await copyRows(loader, chosen, {
              open: () => openReader(signal),
              budgetBytes,
              note,
              signal,
            });
            await runScript(loader, schema.after, note, signal);
          } finally {
            await loader.end({ timeout: 1 });
          }
          await analyseAll(copy);
        } finally {
          await copy.end({ timeout: 1 });
        }
      } finally {
        await production.end({ timeout: 1 });
      }
    },
  };
}

/** Copies rows of the tables, and returns their share of all rows; reports the tables that could not be read. */
async function copyRows(
  copy: Sql,
  tables: readonly SampledTable[],
  { open, budgetBytes, note, signal }: {
    open(): Promise<Walsender>;
    budgetBytes: number;
    note: (problem: string) => void;
    signal: AbortSignal;
  },
): Promise<number> {
  const share = shareFor(tables, budgetBytes);
  let reader: Walsender | undefined;
  let [copied, all] = [0, 0];
  try {
    for (const table of tables) {
      signal.throwIfAborted();
      const part = table.bytes <= smallTableBytes ? 1 : share;
      all += table.rows;
      reader ??= await open();
      try {
        await copySample(reader, copy, table, part);
        copied += table.rows * part;
      } catch (error) {
        signal.throwIfAborted();
        note(`${table.label} could not be copied: ${describeDatabaseError(error)}`);
        reader.close();
        reader = undefined;
      }
    }
  } finally {
    reader?.close();
  }
  return all > 0 ? copied / all : 1;
}

/** Runs a dump's statements one by one; reports those that fail, such as constraints that a sample violates. */
async function runScript(
  sql: Sql,
  script: string,
  note: (problem: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const { sql: statement } of splitStatements(script)) {
    signal.throwIfAborted();
    try {
      await runStatement(sql, statement);
    } catch (error) {
      signal.throwIfAborted();
      // A newer pg_dump sets parameters that an older server does not have.
      if (/^set\b/i.test(statement)) continue;
      const words = statement.replaceAll(/\s+/g, " ").slice(0, 80);
      note(`Left out of the copy: ${words}: ${describeDatabaseError(error)}`);
    }
  }
}

async function dumpSchema(
  { target, major, unreadable, signal }: {
    target: Target;
    major: number;
    unreadable: readonly SampledTable[];
    signal: AbortSignal;
  },
): Promise<{ before: string; after: string }> {
  const program = findPgDump(major);
  if (!program) {
    throw new HoldfastError(
      "conflict",
      `Role and server allow no base backup, and this machine has no pg_dump of Postgres ${major} to copy the schema`,
    );
  }
  const section = (name: string) =>
    runDump(program, target, [
      "--schema-only",
      `--section=${name}`,
      "--no-owner",
      "--no-privileges",
      "--no-publications",
      "--no-subscriptions",
      `--lock-wait-timeout=${lockWaitMs}`,
      "--exclude-schema=holdfast",
      ...unreadable.map((table) => `--exclude-table=${table.name}`),
    ], signal);
  return { before: await section("pre-data"), after: await section("post-data") };
}

async function runDump(
  program: string,
  target: Target,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { conninfo, env } = forPrograms(target);
  signal.throwIfAborted();
  const child = spawn(program, [...args, "--no-password", "--dbname", conninfo], {
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let errors = "";
  child.stdout.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > schemaBytesMax) kill();
    else chunks.push(chunk);
  });
  child.stderr.on("data", (chunk: unknown) => errors = (errors + String(chunk)).slice(-2_000));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    if (code !== 0) {
      const why = bytes > schemaBytesMax ? "the schema is too large" : errors.trim();
      throw new HoldfastError("conflict", `The schema could not be copied: ${why}`);
    }
  } catch (error) {
    throw error instanceof HoldfastError || signal.aborted
      ? error
      : new HoldfastError("conflict", `pg_dump could not be run: ${messageOf(error)}`);
  } finally {
    signal.removeEventListener("abort", kill);
  }
  const text = new TextDecoder().decode(await new Blob(chunks as BlobPart[]).arrayBuffer());
  // Leaves out commands of psql, such as \restrict.
  return text.split("\n").filter((line) => !line.startsWith("\\")).join("\n");
}

/** Returns the note on a copy that was made with SELECT. */
export const sampleNote = (share: number): string =>
  share >= 1
    ? "The copy was made with SELECT, because the role may not replicate: it has all rows, but no bloat"
    : `The copy is a sample of ${
      (share * 100).toFixed(share < 0.1 ? 1 : 0)
    } % of the rows, because the role may not replicate: plans and times on all rows may differ`;
