import type { SeenStatement, WorkloadRow } from "../../../db/rehearsals/production.ts";
import type { GivenStatement } from "../rehearsal.ts";
import { kindOf, type StatementKind, tokenize } from "./sql_text.ts";

/** A statement that is wanted for the replay. */
export interface WantedStatement {
  query: string;
  query_id: string | null;
  kind: StatementKind;
  /** Its time, in the unit of all other weights; null where that is to be measured. */
  weight: number | null;
  /** Rows of one call, as far as they are known. */
  rows_per_call: number | null;
  /** Sets of values that were given for its parameters. */
  given: readonly (readonly unknown[])[] | null;
  /** The statement with values that a session was seen to use. */
  observed: readonly string[];
}

export interface Selection {
  wanted: WantedStatement[];
  /** The time of all statements, wanted or not; null where the weights are to be measured. */
  total: number | null;
}

/** Texts of one statement that are kept. */
const observedMax = 16;

const ofServer = /^"?(pg_\w+|information_schema)"?$/i;
const beforeTable = new Set(["from", "join", "into", "update", ","]);

/** Says whether a statement is Holdfast's own, or a tool's that asks the server about itself. */
export function isAboutServer(query: string): boolean {
  const tokens = tokenize(query).filter(({ kind }) => kind !== "space" && kind !== "comment");
  return tokens.some(({ kind, text }, at) => {
    if (kind !== "word" && kind !== "quoted_name") return false;
    if (/^"?holdfast"?$/i.test(text) && tokens[at + 1]?.text === ".") return true;
    return ofServer.test(text) && beforeTable.has(tokens[at - 1]?.text.toLowerCase() ?? "");
  });
}

/** A query of no table: no change of one makes it faster. */
const readsNoTable = (query: string) =>
  kindOf(query) === "read" &&
  !tokenize(query).some(({ kind, text }) => kind === "word" && /^(from|table)$/i.test(text));

/** COPY loads rows as inserts do: it cannot be replayed, but its time counts. Definitions and maintenance do not. */
const counts = (query: string) => kindOf(query) !== "other" || /^\s*copy\b/i.test(query);

/**
 * Chooses, of what pg_stat_statements has, the statements that took most time. Holdfast's own are left out, and so are
 * definitions, maintenance and transaction control: no change makes those faster. Pure.
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

/** A workload that a user gave. Pure. */
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

/** Keeps what sessions were seen to run, each text once, a bounded number of them. */
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
