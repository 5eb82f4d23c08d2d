import {
  readRunningTexts,
  readStatementTexts,
  type StatementText,
} from "../../../db/activity/statement_texts.ts";
import { describeDatabaseError, isAnswer } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { dropOldest } from "../../../lib/bounded.ts";
import { redactSql } from "./redact.ts";

const textsMax = 2_000;
/** A fetch is followed by a pause this many times as long. */
const pauseFactor = 100;

/** Keeps the texts of statements, each fetched once, at most 2,000. */
export class StatementTexts {
  readonly #texts = new Map<string, string>();
  /** Statements that ran and whose text `takeRecent` has not returned yet. */
  #recent = new Set<string>();
  #problem: string | undefined;
  #nextFetchAt = 0;

  get(id: string): string | undefined {
    return this.#texts.get(id);
  }

  /** Says why the server shows no text; undefined while it does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Records that statements ran. */
  noteRan(ids: Iterable<string>): void {
    this.#recent = new Set([...this.#recent, ...ids].slice(-textsMax));
  }

  /** Returns the known texts of statements that ran since the last call. */
  takeRecent(): string[] {
    const known = [...this.#recent].filter((id) => this.#texts.has(id));
    for (const id of known) this.#recent.delete(id);
    return known.flatMap((id) => this.#texts.get(id) ?? []);
  }

  forget(): void {
    this.#texts.clear();
    this.#recent.clear();
  }

  /**
   * Fetches the texts of `ids` that are not known. The server reads all its texts for that, so a slow fetch is followed
   * by a long pause.
   */
  async fetch(
    pool: Pick<Pool, "run">,
    schema: string,
    ids: readonly string[],
    deadlineMs: number,
  ): Promise<void> {
    const wanted = ids.filter((id) => !this.#texts.has(id));
    if (wanted.length === 0 || performance.now() < this.#nextFetchAt) return;
    const started = performance.now();
    try {
      for (const { query_id, query } of await this.#read(pool, schema, wanted, deadlineMs)) {
        if (query !== null) this.#keep(query_id, query);
      }
    } finally {
      const ended = performance.now();
      this.#nextFetchAt = ended + (ended - started) * pauseFactor;
    }
  }

  /** Reads texts from pg_stat_statements, or from running sessions where the server refuses to show any. */
  async #read(
    pool: Pick<Pool, "run">,
    schema: string,
    ids: readonly string[],
    deadlineMs: number,
  ): Promise<StatementText[]> {
    try {
      const rows = await pool.run((sql) => readStatementTexts(sql, schema, ids), { deadlineMs });
      this.#problem = undefined;
      return rows;
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.#problem = describeDatabaseError(error);
      const rows = await pool.run((sql) => readRunningTexts(sql, ids), { deadlineMs });
      return rows.map(({ query_id, query }) => ({ query_id, query: query && redactSql(query) }));
    }
  }

  #keep(id: string, text: string): void {
    this.#texts.set(id, text);
    dropOldest(this.#texts, textsMax);
  }
}
