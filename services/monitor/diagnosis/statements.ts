import { inStatementsSchema } from "../../../db/collectors/choose.ts";
import type { ServerFacts } from "../../../db/collectors/server/collectors.ts";
import type { StatementRow } from "../../../db/collectors/statements/collectors.ts";
import textSql from "../../../db/collectors/statements/statement_text.sql" with { type: "text" };
import runningSql from "../../../db/collectors/statements/statement_text_running.sql" with {
  type: "text",
};
import { describeDatabaseError, isAnswer } from "../../../db/errors.ts";
import { decodeForeignText } from "../../../db/foreign_text.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { redactSql } from "./redact.ts";
import {
  type StatementWork,
  sumWork,
  totalWork,
  workBetween,
  type WorkById,
} from "./statement_deltas.ts";
import { createRegressions, type Regression } from "./regressions.ts";

/** A statement with its cost since its statistics began, and lately. Shares are of all statements' time, 0 to 1. */
export interface StatementReport {
  query_id: string;
  /** Its text with constants taken out; null until it has been fetched. */
  query: string | null;
  calls: number;
  mean_ms: number;
  total_ms: number;
  share: number;
  rows: number;
  cache_hit_ratio: number | null;
  temp_blocks: number;
  wal_bytes: number;
  recent:
    | { seconds: number; calls: number; mean_ms: number; total_ms: number; share: number }
    | null;
  /** How it has got dearer, when it has. */
  regressions: Regression[];
}

const windowSeconds = 900;
const textsMax = 2_000;
const wantedMax = 100;
/** The server's own limit per look (statements.sql); fewer rows mean that all were seen. */
const rowsMax = 1_000;

interface Text {
  query_id: string;
  query: string | null;
}

interface Round {
  at: number;
  seconds: number;
  work: WorkById;
}

const timeOf = (work: WorkById) => [...work.values()].reduce((sum, one) => sum + one.total_ms, 0);

/** Follows pg_stat_statements: what each look added, over the last quarter of an hour, and the texts, each once. */
export function createStatements() {
  let last: readonly StatementRow[] | undefined;
  let rounds: Round[] = [];
  const texts = new Map<string, string>();
  const regressions = createRegressions();
  let mayFetchAt = 0;
  /** Those that ran, and whose text nobody has asked for since. */
  let unread = new Set<string>();
  let textsError: string | undefined;

  function note(rows: readonly StatementRow[]): void {
    const at = rows[0]?.taken_at;
    const before = last?.[0]?.taken_at;
    if (at !== undefined && before !== undefined && at > before && last) {
      const work = workBetween(last, rows, last.length < rowsMax);
      rounds.push({ at, seconds: at - before, work });
      regressions.note(work, at * 1000);
      unread = new Set([...unread, ...work.keys()].slice(-textsMax));
      rounds = rounds.filter((round) => at - round.at < windowSeconds);
    }
    if (at !== undefined) last = rows;
  }

  const recent = () => ({
    seconds: rounds.reduce((sum, round) => sum + round.seconds, 0),
    work: sumWork(rounds.map(({ work }) => work)),
  });

  /** Those whose text matters most: first what costs now, then what cost most in all. */
  function wanted(): string[] {
    const now = [...recent().work].sort(([, a], [, b]) => b.total_ms - a.total_ms);
    const ids = new Set([...now.map(([id]) => id), ...(last ?? []).map((row) => row.query_id)]);
    return [...ids].slice(0, wantedMax).filter((id) => !texts.has(id));
  }

  function keep(id: string, text: string): void {
    texts.set(id, text);
    const oldest = texts.keys().next().value;
    if (texts.size > textsMax && oldest !== undefined) texts.delete(oldest);
  }

  /** Those sessions show, where the server refuses to show any of pg_stat_statements. */
  async function readTexts(
    ask: (text: string) => Promise<readonly Text[]>,
    schema: string,
  ): Promise<readonly Text[]> {
    try {
      const rows = await ask(inStatementsSchema(textSql, schema));
      textsError = undefined;
      return rows;
    } catch (error) {
      if (!isAnswer(error)) throw error;
      textsError = describeDatabaseError(error);
      return (await ask(runningSql)).map(({ query_id, query }) => ({
        query_id,
        query: query && redactSql(decodeForeignText(query)),
      }));
    }
  }

  return {
    note,
    /**
     * Fetches the texts of statements seen for the first time. The server reads all its texts for that, so a fetch
     * that took long is followed by a pause a hundred times as long. One entry of another database whose text has no
     * form in this database's encoding makes the server refuse all (22021, 22P05).
     */
    async fetchTexts(
      pool: Pool,
      server: ServerFacts | undefined,
      deadlineMs: number,
    ): Promise<void> {
      const ids = wanted();
      const schema = server?.statements_schema;
      if (ids.length === 0 || schema === null || schema === undefined) return;
      if (performance.now() < mayFetchAt) return;
      const started = performance.now();
      try {
        const rows = await readTexts(
          (text) => pool.run((sql) => sql.unsafe<Text[]>(text, [ids]), { deadlineMs }),
          schema,
        );
        for (const { query_id, query } of rows) if (query !== null) keep(query_id, query);
      } finally {
        const ended = performance.now();
        mayFetchAt = ended + (ended - started) * 100;
      }
    },
    /** Why the server shows no text of statements; undefined while it does. */
    textsProblem: (): string | undefined => textsError,
    /** Texts of statements that ran since the last call, as far as they are known. */
    freshTexts(): string[] {
      const known = [...unread].filter((id) => texts.has(id));
      for (const id of known) unread.delete(id);
      return known.flatMap((id) => texts.get(id) ?? []);
    },
    /** Statements that cost more per call than they did. */
    regressions: (): Regression[] => regressions.found(),
    /** Forgets what was counted: another server answers now. */
    forget(): void {
      last = undefined;
      rounds = [];
      texts.clear();
      unread.clear();
      regressions.forget();
    },
    /** Milliseconds of statement time per second of the last look; undefined before two looks. */
    load: (): number | undefined => {
      const round = rounds.at(-1);
      return round && timeOf(round.work) / round.seconds;
    },
    tracked: (): number => last?.length ?? 0,
    /** The dearest statements first, by recent time or by total. */
    report(limit: number, order: "recent" | "total"): StatementReport[] {
      const totals = totalWork(last ?? []);
      const { seconds, work } = recent();
      const allMs = timeOf(totals) || 1;
      const recentMs = timeOf(work) || 1;
      const dearer = Map.groupBy(regressions.found(), ({ query_id }) => query_id);
      const rank = (id: string, total: StatementWork): [number, number] => [
        order === "recent" ? work.get(id)?.total_ms ?? 0 : 0,
        total.total_ms,
      ];
      return [...totals]
        .map(([id, total]) => ({ id, total, rank: rank(id, total) }))
        .sort((a, b) => b.rank[0] - a.rank[0] || b.rank[1] - a.rank[1] || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(({ id, total }) => {
          const lately = work.get(id);
          const blocks = total.blocks_hit + total.blocks_read;
          return {
            query_id: id,
            query: texts.get(id) ?? null,
            calls: total.calls,
            mean_ms: total.calls > 0 ? total.total_ms / total.calls : 0,
            total_ms: total.total_ms,
            share: total.total_ms / allMs,
            rows: total.rows,
            cache_hit_ratio: blocks > 0 ? total.blocks_hit / blocks : null,
            temp_blocks: total.temp_blocks,
            wal_bytes: total.wal_bytes,
            recent: rounds.length === 0 ? null : {
              seconds,
              calls: lately?.calls ?? 0,
              mean_ms: lately ? lately.total_ms / lately.calls : 0,
              total_ms: lately?.total_ms ?? 0,
              share: (lately?.total_ms ?? 0) / recentMs,
            },
            regressions: dearer.get(id) ?? [],
          };
        });
    },
  };
}

export type Statements = ReturnType<typeof createStatements>;
