import { createIndex } from "../../../db/indexes/ddl.ts";
import type { ScannedTable } from "../../../db/rehearsals/scanned.ts";
import { idOfAdvice, type Recommendation } from "../../monitor/diagnosis/advice.ts";
import type { WastefulScan } from "./scans.ts";

/** An index that a replayed statement lacks: advice that nothing but a rehearsal carries out. */
export interface IndexCandidate extends Recommendation {
  sql: string;
  /** The statement whose plan it was read from. */
  query: string;
}

/** A statement with the wasteful scans of its plan. */
export interface ScannedStatement {
  query: string;
  /** Share of all statements' time, 0 to 1. */
  share: number;
  scans: readonly WastefulScan[];
}

const candidatesMax = 5;

const rounded = (rows: number) => Math.round(rows).toLocaleString("en-US");

/** Returns whether an index's first keys are these columns; columns compared with "=" may stand in any order. */
const serves = (index: readonly string[], columns: readonly string[]) =>
  columns.every((column) => index.slice(0, columns.length).includes(column));

/** Returns the indexes that the scans lack, those of the most expensive statements first. Pure. */
export function proposeIndexes(
  statements: readonly ScannedStatement[],
  tables: readonly ScannedTable[],
): IndexCandidate[] {
  const found = new Map<string, IndexCandidate>();
  const proposed: { table: string; columns: readonly string[] }[] = [];
  for (const { query, share, scans } of statements.toSorted((a, b) => b.share - a.share)) {
    // Of the partitions of a table, the one that wastes most counts.
    for (const scan of scans.toSorted((a, b) => b.read - b.needed - (a.read - a.needed))) {
      const table = tables.find(({ relation, relation_schema }) =>
        relation === scan.relation && relation_schema === scan.schema
      );
      if (!table) continue;
      const label = `${table.schema}.${table.name}`;
      const { columns } = scan;
      const known = [
        ...table.indexes,
        ...proposed.filter((one) => one.table === label).map((one) => one.columns),
      ];
      if (known.some((index) => serves(index, columns))) continue;
      proposed.push({ table: label, columns });
      const candidate = candidateOf(table, scan, { query, share });
      if (found.size < candidatesMax) found.set(candidate.id, candidate);
    }
  }
  return [...found.values()];
}

function candidateOf(
  table: ScannedTable,
  { columns, read, needed }: WastefulScan,
  { query, share }: Pick<ScannedStatement, "query" | "share">,
): IndexCandidate {
  const label = `${table.schema}.${table.name}`;
  const text = query.replaceAll(/\s+/g, " ").trim();
  const draft = {
    title: `Index ${label} (${columns.join(", ")})`,
    sql: createIndex(table, columns, !table.is_partitioned),
  };
  return {
    id: idOfAdvice(draft),
    ...draft,
    detail: `On the copy of a rehearsal, a statement with ${
      Math.round(share * 100)
    } % of the time read ${rounded(read)} rows of the table and needed ${rounded(needed)}: ${
      text.length > 120 ? `${text.slice(0, 119)}…` : text
    }. Rehearse the index before you make it`,
    lock: table.is_partitioned
      ? "SHARE on the table and all its partitions"
      : "SHARE UPDATE EXCLUSIVE",
    risk: table.is_partitioned
      ? "slows down writes; they wait until it is built: on a busy table, build it on each partition and attach these"
      : "slows down writes; building it reads the whole table and does not block them",
    query,
  };
}

/** A rehearsal's candidates and the statements that it replayed. */
export interface Proposals {
  candidates: readonly IndexCandidate[];
  queries: readonly string[];
}

/**
 * Returns the candidates that are still open, from rehearsals in order, newest first: a newer rehearsal of the same
 * statement that does not name a candidate closes it. Pure.
 */
export function openCandidates(newestFirst: readonly Proposals[]): IndexCandidate[] {
  const open = new Map<string, IndexCandidate>();
  const judged = new Set<string>();
  for (const { candidates, queries } of newestFirst) {
    for (const one of candidates) {
      if (!judged.has(one.query) && !open.has(one.id)) open.set(one.id, one);
    }
    for (const query of queries) judged.add(query);
  }
  return [...open.values()];
}
