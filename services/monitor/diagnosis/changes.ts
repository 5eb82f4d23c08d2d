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
/** What every session makes for itself tells nothing. */
const ownSchema = /\b(temp|temporary|pg_temp)\b|"?holdfast"?\./i;

const waits = "another value waits for a restart";

/** A setting's value in force, and whether the file holds another one that a restart would bring. */
const inForce = ({ setting, pending_restart }: Setting) =>
  pending_restart ? `${setting} (${waits})` : setting;

/**
 * Settings that differ between two readings, in value or in whether another value waits for a restart. A setting is read
 * always, or only while such a value waits. Pure.
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

/** Indexes that came and went between two looks. Pure. */
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

/** What changed on the server as far as looks tell: the first thing to ask when something has become slow. */
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
    note,
    started: (version: string) => one("holdfast_start", "Holdfast", null, version),
    /** Another version, or the same after a restart. */
    noteServer({ uptime_seconds, version }: ServerFacts, at: number): void {
      const startedAt = at - uptime_seconds * 1000;
      const restarted = server && Math.abs(startedAt - server.startedAt) > 5_000;
      if (restarted || server && server.version !== version) {
        one("server_start", "Postgres", server?.version ?? null, version);
      }
      server = { startedAt, version };
    },
    noteCounters({ stats_reset }: Pick<DatabaseCounters, "stats_reset">): void {
      if (reset !== undefined && stats_reset !== reset) {
        one("statistics_reset", "pg_stat_database", null, null);
      }
      reset = stats_reset;
    },
    /** Statements that ran of late and change the schema; the server knows no better time than the look's. */
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
    between: (from: number, to: number): Change[] =>
      known.filter(({ at }) => at >= from && at <= to),
    /** Takes up what was seen before this start. */
    async load(pool: Pool): Promise<void> {
      known = [...await pool.run((sql) => lastChanges(sql, kept), { deadlineMs }), ...known]
        .slice(-kept);
    },
    /** Keeps what is new; never throws: what could not be kept is tried again. */
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
