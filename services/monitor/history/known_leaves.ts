import type { Sql } from "../../../db/connection.ts";
import { makeLeaves } from "../../../db/history/leaves.ts";
import { leafAt, type Level } from "./levels.ts";

/** The leaves of the sample tables that are known to exist, so that they are not looked up before each write. */
export class KnownLeaves {
  readonly #names = new Set<string>();

  /**
   * Makes the leaves of a level that hold `times` (milliseconds since 1970) and are not known. Returns their names: they
   * are known once the transaction has been committed, and `add` has been called.
   */
  async make(sql: Sql, level: Level, times: readonly number[]): Promise<string[]> {
    const starts = new Set(times.map((at) => Math.floor(at / level.leafMs) * level.leafMs));
    const missing = [...starts].map((at) => leafAt(level, at))
      .filter(({ name }) => !this.#names.has(name));
    if (missing.length > 0) await makeLeaves(sql, missing);
    return missing.map(({ name }) => name);
  }

  add(names: readonly string[]): void {
    for (const name of names) this.#names.add(name);
  }

  remove(names: readonly string[]): void {
    for (const name of names) this.#names.delete(name);
  }

  /** Forgets all: another session may have dropped a leaf. */
  clear(): void {
    this.#names.clear();
  }
}
