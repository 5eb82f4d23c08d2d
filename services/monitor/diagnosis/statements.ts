import type { ServerFacts } from "../../../db/collectors/server/collectors.ts";
import type { StatementRow, StatementWork } from "../../../db/collectors/statements/collectors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { createRegressions, type Regression } from "./regressions.ts";
import { sumWork, totalWork, workBetween, type WorkById } from "./statement_deltas.ts";
import { StatementTexts } from "./statement_texts.ts";

/** What a statement did in some time, and its share of all statements' time, 0 to 1. */
interface Figures {
  calls: number;
  mean_ms: number;
  total_ms: number;
  share: number;
  rows: number;
  /** Blocks that were not in the server's cache. */
  blocks_read: number;
  cache_hit_ratio: number | null;
  temp_blocks: number;
  wal_bytes: number;
}

/** A statement with what it did in total and of late. */
export interface StatementReport extends Figures {
  query_id: string;
  /** Its text without constants; null until it has been fetched. */
  query: string | null;
  recent: Figures & { seconds: number } | null;
  /** By how much a call costs more than before; empty when it does not. */
  regressions: Regression[];
}

/** By what statements are ordered: time, calls, or blocks read and temporary blocks written. */
export type StatementOrder = "time" | "calls" | "io";

const orders: Record<StatementOrder, (work: StatementWork) => number> = {
  time: ({ total_ms }) => total_ms,
  calls: ({ calls }) => calls,
  io: ({ blocks_read, temp_blocks }) => blocks_read + temp_blocks,
};

const windowSeconds = 900;
const wantedMax = 100;
/** The limit in statements.sql; fewer rows mean that all entries were read. */
const rowsMax = 1_000;

/** The work between two readings that follow each other. */
interface Round {
  at: number;
  seconds: number;
  work: WorkById;
}

/** Returns the milliseconds that all statements took. */
const timeOf = (work: WorkById) => [...work.values()].reduce((sum, one) => sum + one.total_ms, 0);

/** The work of the last quarter of an hour; `seconds` is less until that much has been read. */
interface RecentWork {
  seconds: number;
  work: WorkById;
  /** The time of all statements in `work`. */
  totalMs: number;
}

/** Takes in the work between two readings, the seconds between them, and the statements that have become slower. */
export type OnStatementWork = (work: WorkById, seconds: number, slower: string[]) => void;

/**
 * Follows pg_stat_statements: what each reading added over the last quarter of an hour, and the statements' texts. `onWork`
 * is called with what each reading added.
 */
export function createStatements({ onWork = () => {} }: { onWork?: OnStatementWork } = {}) {
  let last: readonly StatementRow[] | undefined;
  let rounds: Round[] = [];
  const texts = new StatementTexts();
  const regressions = createRegressions();

  function recent(): RecentWork {
    const work = sumWork(rounds.map((round) => round.work));
    const seconds = rounds.reduce((sum, round) => sum + round.seconds, 0);
    return { seconds, work, totalMs: timeOf(work) };
  }

  /** Returns the statements whose text matters most: first those that cost most now, then all others. */
  function wantedTexts(): string[] {
    const now = [...recent().work].sort(([, a], [, b]) => b.total_ms - a.total_ms);
    const ids = new Set([...now.map(([id]) => id), ...(last ?? []).map((row) => row.query_id)]);
    return [...ids].slice(0, wantedMax);
  }

  return {
    /** Takes in a reading of pg_stat_statements. */
    note(rows: readonly StatementRow[]): void {
      const at = rows[0]?.taken_at;
      const before = last?.[0]?.taken_at;
      if (at !== undefined && before !== undefined && at > before && last) {
        const work = workBetween(last, rows, last.length < rowsMax);
        rounds.push({ at, seconds: at - before, work });
        regressions.note(work, at * 1000);
        onWork(work, at - before, regressions.found().map(({ query_id }) => query_id));
        texts.noteRan(work.keys());
        rounds = rounds.filter((round) => at - round.at < windowSeconds);
      }
      if (at !== undefined) last = rows;
    },
    /** Fetches the texts of statements seen for the first time, unless the last fetch was slow and not long ago. */
    async fetchTexts(
      pool: Pool,
      server: ServerFacts | undefined,
      deadlineMs: number,
    ): Promise<void> {
      const schema = server?.statements_schema;
      if (schema === null || schema === undefined) return;
      await texts.fetch(pool, schema, wantedTexts(), deadlineMs);
    },
    /** Says why the server shows no text of statements; undefined while it does. */
    textsProblem: (): string | undefined => texts.problem,
    /** Returns the known texts of statements that ran since the last call. */
    freshTexts: (): string[] => texts.takeRecent(),
    /** Returns the statements that cost more per call than they did. */
    regressions: (): Regression[] => regressions.found(),
    /** Forgets everything: another server answers now. */
    forget(): void {
      last = undefined;
      rounds = [];
      texts.forget();
      regressions.forget();
    },
    /** Returns the milliseconds of statement time per second between the last two readings; undefined before. */
    load: (): number | undefined => {
      const round = rounds.at(-1);
      return round && timeOf(round.work) / round.seconds;
    },
    /** Returns how many entries pg_stat_statements has for this database, up to 1,000. */
    tracked: (): number => last?.length ?? 0,
    /** Returns the most expensive statements first, by what they did of late or in total. */
    report(
      limit: number,
      order: "recent" | "total",
      by: StatementOrder = "time",
    ): StatementReport[] {
      const totals = totalWork(last ?? []);
      const lately = recent();
      const slower = Map.groupBy(regressions.found(), ({ query_id }) => query_id);
      const shown = rankStatements(totals, order === "recent" ? lately.work : new Map(), by);
      const allMs = timeOf(totals) || 1;
      return shown.slice(0, limit).map(([id, total]) => ({
        query_id: id,
        query: texts.get(id) ?? null,
        ...figuresOf(total, allMs),
        recent: rounds.length === 0 ? null : recentFigures(id, lately),
        regressions: slower.get(id) ?? [],
      }));
    },
  };
}

/** Orders statements by what they did in `preferred`, then in total, then by id. */
function rankStatements(
  totals: WorkById,
  preferred: WorkById,
  by: StatementOrder,
): [string, StatementWork][] {
  const figure = orders[by];
  const of = (id: string) => {
    const work = preferred.get(id);
    return work ? figure(work) : 0;
  };
  return [...totals].sort(([idA, a], [idB, b]) =>
    of(idB) - of(idA) || figure(b) - figure(a) || b.total_ms - a.total_ms || (idA < idB ? -1 : 1)
  );
}

function figuresOf(total: StatementWork, allMs: number): Figures {
  const { calls, total_ms, rows, blocks_hit, blocks_read, temp_blocks, wal_bytes } = total;
  const blocks = blocks_hit + blocks_read;
  return {
    calls,
    mean_ms: calls > 0 ? total_ms / calls : 0,
    total_ms,
    share: total_ms / allMs,
    rows,
    blocks_read,
    cache_hit_ratio: blocks > 0 ? blocks_hit / blocks : null,
    temp_blocks,
    wal_bytes,
  };
}

const noWork: StatementWork = {
  calls: 0,
  total_ms: 0,
  rows: 0,
  blocks_hit: 0,
  blocks_read: 0,
  temp_blocks: 0,
  wal_bytes: 0,
};

function recentFigures(
  id: string,
  { seconds, work, totalMs }: RecentWork,
): StatementReport["recent"] {
  return { seconds, ...figuresOf(work.get(id) ?? noWork, totalMs || 1) };
}

export type Statements = ReturnType<typeof createStatements>;
