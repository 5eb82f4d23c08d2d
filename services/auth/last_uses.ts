import type { Use } from "./store.ts";

type Uses = Readonly<Record<string, Use>>;

/** Keeps when and from where each token was used last, and which of these the file lacks. Pure but for its own state. */
export class LastUses {
  readonly #uses = new Map<string, Use>();
  #unwritten = new Set<string>();

  get(id: string): Use | undefined {
    return this.#uses.get(id);
  }

  note(id: string, use: Use): void {
    this.#uses.set(id, use);
    this.#unwritten.add(id);
  }

  /** Takes over the uses of the file that are not older than those known here, and drops those of unknown tokens. */
  merge(stored: Uses, isKnown: (id: string) => boolean): void {
    for (const id of this.#uses.keys()) if (!isKnown(id)) this.#uses.delete(id);
    for (const [id, use] of Object.entries(stored)) {
      const own = this.#uses.get(id);
      if (isKnown(id) && !(own && own.at > use.at)) this.#uses.set(id, use);
    }
  }

  /** Forgets that the use of a token is to be written. */
  drop(id: string): void {
    this.#unwritten.delete(id);
  }

  get hasUnwritten(): boolean {
    return this.#unwritten.size > 0;
  }

  /** Returns the ids whose uses are to be written, and counts them as written. */
  takeUnwritten(): string[] {
    const ids = [...this.#unwritten];
    this.#unwritten = new Set();
    return ids;
  }

  /** Counts uses as not written: writing them failed. */
  putBack(ids: readonly string[]): void {
    for (const id of ids) this.#unwritten.add(id);
  }

  /** Returns the stored uses of the known tokens, with the later ones of `ids` in their place. */
  mergedInto(stored: Uses, ids: readonly string[], isKnown: (id: string) => boolean): Uses {
    const merged = new Map(Object.entries(stored).filter(([id]) => isKnown(id)));
    for (const id of ids) {
      const own = this.#uses.get(id);
      const other = merged.get(id);
      if (own && isKnown(id) && !(other && other.at > own.at)) merged.set(id, own);
    }
    return Object.fromEntries(merged);
  }
}
