import type { SeenStatement, WorkloadRow } from "../../../db/rehearsals/production.ts";
import type { GivenStatement } from "../rehearsal.ts";
import {
  kindOf,
  parameterCount,
  splitStatements,
  type StatementKind,
  tokenize,
} from "./sql_text.ts";

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

/** Functions of the server that clients call without a table; what another function reads is unknown. */
const ofServerAlone =
  /^(pg_\w+|version|now|current_setting|set_config|nextval|currval|lastval|setval|txid_\w+|coalesce|exists|cast|count)$/i;

/** Returns whether a query uses no table and calls no function that may use one, so that no change can make it faster. */
function readsNoTable(query: string): boolean {
  if (kindOf(query) !== "read") return false;
  const tokens = tokenize(query).filter(({ kind }) => kind !== "space" && kind !== "comment");
  return !tokens.some(({ kind, text }, at) => {
    if (kind === "word" && /^(from|table)$/i.test(text)) return true;
    const isCall = (kind === "word" || kind === "quoted_name") && tokens[at + 1]?.text === "(";
    return isCall && !ofServerAlone.test(text);
  });
}

/**
 * Returns whether a statement's time counts: COPY, calls of procedures, cursors and DO blocks cannot be replayed but work on
 * rows; DDL and maintenance do not count.
 */
const counts = (query: string) =>
  kindOf(query) !== "other" || /^\s*(copy|call|fetch|do)\b/i.test(query);

/** Returns the total time of statements whose text this role may not see; milliseconds. */
export const hiddenTime = (rows: readonly WorkloadRow[]): number =>
  rows.reduce(
    (sum, { query_id, query, total_ms }) =>
      query_id === null || query === null ? sum + total_ms : sum,
    0,
  );

/**
 * Returns whether a text that a session ran is the statement alone, with its values. A message of several statements would
 * be replayed as a whole, and may end the transaction that is to be rolled back.
 */
const isAlone = (text: string, kind: StatementKind) =>
  parameterCount(text) === 0 && kindOf(text) === kind && splitStatements(text).length === 1;

/**
 * Selects the statements of pg_stat_statements that took most time. Leaves out Holdfast's own, DDL, maintenance and
 * transaction control, which no change makes faster. Statements that the role may not see count towards the total. Pure.
 */
export function selectTop(
  rows: readonly WorkloadRow[],
  seen: readonly SeenStatement[],
  limit: number,
): Selection {
  const foreign = rows.flatMap(({ query, query_id, ...row }) =>
    query !== null && query_id !== null && counts(query) && !isAboutServer(query) &&
      !readsNoTable(query)
      ? [{ query, query_id, ...row, kind: kindOf(query) }]
      : []
  );
  const texts = Map.groupBy(seen, ({ query_id }) => query_id);
  const wanted = foreign.slice(0, limit).map((
    { query, query_id, kind, total_ms, calls, rows },
  ) => ({
    query,
    query_id,
    kind,
    weight: total_ms,
    rows_per_call: calls > 0 ? rows / calls : null,
    given: null,
    observed: [
      ...new Set(
        (texts.get(query_id) ?? []).map(({ query }) => query).filter((text) => isAlone(text, kind)),
      ),
    ].slice(0, observedMax),
  }));
  return {
    wanted,
    total: foreign.reduce((sum, { total_ms }) => sum + total_ms, hiddenTime(rows)),
  };
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
