import type { CollectorRows } from "../../../db/collectors/list.ts";
import type { DatabaseCounters, ServerFacts } from "../../../db/collectors/server/collectors.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import { type Change, lastChanges, saveChanges } from "../../../db/history/changes.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Logger } from "../../../log.ts";
import { redactSql } from "./redact.ts";

type Setting = CollectorRows["settings"];

const kept = 500;
const deadlineMs = 5_000;
const ddl = /^(create|alter|drop|truncate|reindex|cluster|refresh|vacuum\s*\(?\s*full)\b/i;
/** Temporary objects, and Holdfast's own, are not changes of the schema. */
const ownSchema = /\b(temp|temporary|pg_temp)\b|"?holdfast"?\./i;

const waits = "another value waits for a restart";

/** Returns a setting's value in force, and whether another value takes effect after a restart. */
const inForce = ({ setting, pending_restart }: Setting) =>
  pending_restart ? `${setting} (${waits})` : setting;

/**
 * Returns the settings that differ between two readings, in value or in whether another value waits for a restart. Some
 * settings are read only while such a value waits. Pure.
 */
export function settingChanges(
  before: readonly Setting[] | undefined,
  after: readonly Setting[] | undefined,
  at: number,
): Change[] {
  if (!before || !after) return [];
  const old = new Map(before.map((row) => [row.name, row]));
  const present = new Set(after.map(({ name }) => name));
  const change = { at, kind: "setting" as const };
  return [
    ...after.flatMap((row): Change[] => {
      const { name, setting, pending_restart } = row;
      const was = old.get(name);
      if (!was && !pending_restart) return [];
      const from = was ? inForce(was) : setting;
      const to = inForce(row);
      return from === to ? [] : [{ ...change, subject: name, before: from, after: to }];
    }),
    ...before.filter(({ name, pending_restart }) => pending_restart && !present.has(name))
      .map((row) => ({
        ...change,
        subject: row.name,
        before: inForce(row),
        after: "no value waits for a restart",
      })),
  ];
}

/** Returns the indexes that were created or dropped between two readings. Pure. */
export function indexChanges(
  before: readonly { schema: string; name: string; table: string }[] | undefined,
  after: readonly { schema: string; name: string; table: string }[] | undefined,
  at: number,
): Change[] {
  if (!before || !after) return [];
  const named = (rows: typeof before) =>
    new Map(rows.map(({ schema, name, table }) => [`${schema}.${name}`, table]));
  const [old, present] = [named(before), named(after)];
  const change = { at, kind: "index" as const };
  return [
    ...[...present].filter(([name]) => !old.has(name))
      .map(([name, table]) => ({
        ...change,
        subject: `${name} on ${table}`,
        before: null,
        after: "made",
      })),
    ...[...old].filter(([name]) => !present.has(name))
      .map(([name, table]) => ({
        ...change,
        subject: `${name} on ${table}`,
        before: "there",
        after: "dropped",
      })),
  ];
}

/** Returns each change once: one may be stored twice, when the answer to its commit was lost. Pure. */
function distinct(changes: readonly Change[]): Change[] {
  const keyOf = ({ at, kind, subject, before, after }: Change) =>
    JSON.stringify([at, kind, subject, before, after]);
  return [...new Map(changes.map((change) => [keyOf(change), change])).values()];
}

/** Keeps the last 500 changes of the server that readings show, and saves them. */
export function createChanges({ now }: { now: () => number }) {
  let known: Change[] = [];
  let unsaved: Change[] = [];
  let server: { startedAt: number; version: string } | undefined;
  let reset: number | null | undefined;

  function note(changes: readonly Change[]): void {
    known = [...known, ...changes].slice(-kept);
    unsaved = [...unsaved, ...changes].slice(-kept);
  }

  const one = (
    kind: Change["kind"],
    subject: string,
    before: string | null,
    after: string | null,
  ) => note([{ at: now(), kind, subject, before, after }]);

  return {
    /** Adds changes. */
    note,
    /** Adds the start of this Holdfast. */
    started: (version: string) => one("holdfast_start", "Holdfast", null, version),
    /** Adds a restart of the server, or its change of version; `at` in milliseconds since 1970. */
    noteServer({ uptime_seconds, version }: ServerFacts, at: number): void {
      const startedAt = at - uptime_seconds * 1000;
      const restarted = server && Math.abs(startedAt - server.startedAt) > 5_000;
      if (restarted || server && server.version !== version) {
        one("server_start", "Postgres", server?.version ?? null, version);
      }
      server = { startedAt, version };
    },
    /** Adds a reset of the statistics. */
    noteCounters({ stats_reset }: Pick<DatabaseCounters, "stats_reset">): void {
      if (reset !== undefined && stats_reset !== reset) {
        one("statistics_reset", "pg_stat_database", null, null);
      }
      reset = stats_reset;
    },
    /** Adds those of the statements that change the schema, with the time of the reading. */
    noteStatements(texts: readonly string[]): void {
      const at = now();
      note(
        texts.filter((text) => ddl.test(text.trim()) && !ownSchema.test(text))
          .map((text) => ({
            at,
            kind: "ddl",
            subject: redactSql(text),
            before: null,
            after: null,
          })),
      );
    },
    /** Returns the changes in [from, to]; milliseconds since 1970. */
    between: (from: number, to: number): Change[] =>
      known.filter(({ at }) => at >= from && at <= to),
    /** Loads the changes seen before this start, or before the server was a standby. */
    async load(pool: Pool): Promise<void> {
      const stored = await pool.run((sql) => lastChanges(sql, kept), { deadlineMs });
      known = distinct([...stored, ...known]).slice(-kept);
    },
    /** Saves new changes. Never throws: the next call repeats what failed. */
    async flush(pool: Pool, log: Logger): Promise<void> {
      const saving = unsaved;
      if (saving.length === 0) return;
      try {
        await pool.transaction((sql) => saveChanges(sql, saving), { deadlineMs });
        unsaved = unsaved.filter((change) => !saving.includes(change));
      } catch (error) {
        log.warn("changes_not_saved", { error: describeDatabaseError(error) });
      }
    },
  };
}

export type Changes = ReturnType<typeof createChanges>;
