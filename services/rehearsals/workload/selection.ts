import type { SeenStatement, WorkloadRow } from "../../../db/rehearsals/production.ts";
import type { GivenStatement } from "../rehearsal.ts";
import { kindOf, type StatementKind, tokenize } from "./sql_text.ts";

/** A statement selected for the replay. */
export interface WantedStatement {
  query: string;
  query_id: string | null;
  kind: StatementKind;
  /** Its total time, in the unit of all weights; null where it is measured later. */
  weight: number | null;
  /** Rows per call; null where unknown. */
  rows_per_call: number | null;
  /** Given sets of values for its parameters. */
  given: readonly (readonly unknown[])[] | null;
  /** Texts of the statement with values, as sessions ran it. */
  observed: readonly string[];
}

export interface Selection {
  wanted: WantedStatement[];
  /** Total time of all statements, selected or not; null where weights are measured later. */
  total: number | null;
}

/** Most texts kept per statement. */
const observedMax = 16;

const ofServer = /^"?(pg_\w+|information_schema)"?$/i;
const beforeTable = new Set(["from", "join", "into", "update", ","]);

/** Returns whether a statement is Holdfast's own or reads the system catalogues. */
export function isAboutServer(query: string): boolean {
  const tokens = tokenize(query).filter(({ kind }) => kind !== "space" && kind !== "comment");
  return tokens.some(({ kind, text }, at) => {
    if (kind !== "word" && kind !== "quoted_name") return false;
    if (/^"?holdfast"?$/i.test(text) && tokens[at + 1]?.text === ".") return true;
    return ofServer.test(text) && beforeTable.has(tokens[at - 1]?.text.toLowerCase() ?? "");
  });
}

/** Returns whether a query uses no table, so that no change can make it faster. */
const readsNoTable = (query: string) =>
  kindOf(query) === "read" &&
  !tokenize(query).some(({ kind, text }) => kind === "word" && /^(from|table)$/i.test(text));

/** Returns whether a statement's time counts: COPY cannot be replayed but loads rows; DDL and maintenance do not count. */
const counts = (query: string) => kindOf(query) !== "other" || /^\s*copy\b/i.test(query);

/**
 * Selects the statements of pg_stat_statements that took most time. Leaves out Holdfast's own, DDL, maintenance and
 * transaction control, which no change makes faster. Pure.
 */
export function selectTop(
  rows: readonly WorkloadRow[],
  seen: readonly SeenStatement[],
  limit: number,
): Selection {
  const foreign = rows.filter(({ query }) =>
    counts(query) && !isAboutServer(query) && !readsNoTable(query)
  );
  const texts = Map.groupBy(seen, ({ query_id }) => query_id);
  const wanted = foreign.slice(0, limit).map((row) => ({
    query: row.query,
    query_id: row.query_id,
    kind: kindOf(row.query),
    weight: row.total_ms,
    rows_per_call: row.calls > 0 ? row.rows / row.calls : null,
    given: null,
    observed: [
      ...new Set(
        (texts.get(row.query_id) ?? []).map(({ query }) => query)
          .filter((text) => !tokenize(text).some(({ kind }) => kind === "parameter")),
      ),
    ].slice(0, observedMax),
  }));
  return { wanted, total: foreign.reduce((sum, { total_ms }) => sum + total_ms, 0) };
}

/** Selects all statements of a given workload. Pure. */
export function selectGiven(workload: readonly GivenStatement[]): Selection {
  const wanted = workload.map(({ sql, params }) => ({
    query: sql,
    query_id: null,
    kind: kindOf(sql),
    weight: null,
    rows_per_call: null,
    given: params === undefined
      ? null
      : params.length > 0 && params.every(Array.isArray)
      ? params as readonly (readonly unknown[])[]
      : [params],
    observed: [],
  }));
  return { wanted, total: null };
}

/** Creates a bounded set of the statements that sessions ran, each text once. */
export function createObserved() {
  const seen = new Map<string, SeenStatement>();
  return {
    note(statements: readonly SeenStatement[]): void {
      for (const one of statements) {
        if (seen.size >= 5_000) return;
        seen.set(one.query, one);
      }
    },
    all: (): SeenStatement[] => [...seen.values()],
  };
}
