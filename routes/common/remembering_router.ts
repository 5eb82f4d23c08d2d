import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/** Paths whose handlers are kept: their number, and characters of each with its method. */
const keptMax = 256;
const keptLengthMax = 128;

/**
 * Finds the handlers of a path as Hono's TrieRouter does, and keeps them: senders repeat their paths, and to find the
 * handlers of each request costs as much as several guards.
 */
export class RememberingRouter<T> implements Router<T> {
  readonly name = "RememberingRouter";
  readonly #router = new TrieRouter<T>();
  readonly #kept = new Map<string, Result<T>>();

  add(method: string, path: string, handler: T): void {
    this.#kept.clear();
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    const asked = `${method} ${path}`;
    const kept = this.#kept.get(asked);
    if (kept) return kept;
    const found = this.#router.match(method, path);
    if (asked.length > keptLengthMax) return found;
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.set(asked, found);
    return found;
  }
}
