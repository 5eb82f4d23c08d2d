import type { SilenceRecord } from "../../../db/alerts/silences.ts";
import { isAnswer } from "../../../db/errors.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";

const unsavedMax = 1_000;
export const dayMs = 86_400_000;

/** Silences made while the database took no writes; they apply from memory. Ended ones are listed for a day. */
export class UnsavedSilences {
  #records: readonly SilenceRecord[] = [];
  /** Ids of silences that could not be saved; the log has each once. */
  readonly #logged = new Set<string>();
  readonly #now: () => Date;
  readonly #log: Logger;

  constructor({ now, log }: { now: () => Date; log: Logger }) {
    this.#now = now;
    this.#log = log;
  }

  /** Adds a silence. Throws `overloaded` where a thousand wait already. */
  add(record: SilenceRecord): void {
    this.#forgetEnded();
    if (this.#records.length >= unsavedMax) {
      throw new HoldfastError(
        "overloaded",
        `${unsavedMax} silences wait to be saved; end one, or wait until the database takes writes`,
        { retryAfterSeconds: 30 },
      );
    }
    this.#records = [...this.#records, record];
  }

  /** Ends a silence now, or as it begins where that is later; undefined where none has that id. */
  end(id: string): SilenceRecord | undefined {
    const waiting = this.#records.find((one) => one.id === id);
    if (!waiting) return undefined;
    const now = this.#now();
    const latest = now > waiting.starts_at ? now : waiting.starts_at;
    const ended = { ...waiting, ends_at: latest < waiting.ends_at ? latest : waiting.ends_at };
    this.#records = this.#records.map((one) => one === waiting ? ended : one);
    return ended;
  }

  /** Returns these silences before the stored ones, of which they replace those with the same id. */
  withStored(stored: readonly SilenceRecord[]): SilenceRecord[] {
    this.#forgetEnded();
    const unsaved = this.#records;
    return [...unsaved, ...stored.filter(({ id }) => !unsaved.some((one) => one.id === id))];
  }

  /** Saves the silences. Those that cannot be saved wait, and apply all the same. */
  async saveAll(save: (record: SilenceRecord) => Promise<void>): Promise<void> {
    this.#forgetEnded();
    for (const one of this.#records) {
      try {
        await save(one);
      } catch (error) {
        if (!this.#logged.has(one.id)) {
          this.#log.warn("silence_not_saved", { silence: one.id, error: messageOf(error) });
        }
        this.#logged.add(one.id);
        if (isAnswer(error)) continue;
        break;
      }
      this.#logged.delete(one.id);
      // A silence that was ended during the save is another record, and is saved again.
      this.#records = this.#records.filter((other) => other !== one);
    }
    for (const id of this.#logged) {
      if (!this.#records.some((one) => one.id === id)) this.#logged.delete(id);
    }
  }

  #forgetEnded(): void {
    const since = this.#now().getTime() - dayMs;
    this.#records = this.#records.filter(({ ends_at }) => ends_at.getTime() > since);
  }
}
