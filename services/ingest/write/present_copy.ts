import type { Sql } from "../../../db/connection.ts";
import type { CopyEncoder } from "../../../db/copy.ts";
import {
  maxCopyRows,
  openTickCopy,
  type StoredTick,
  type TickCopy,
} from "../../../db/market/ticks.ts";

/** A COPY is ended at this age, long before statement_timeout; milliseconds. */
const copyMs = 5_000;

/** The COPY that a writer has open, if any; it may still be opening. */
export class PresentCopy {
  readonly #sql: Sql;
  readonly #encoders: readonly [CopyEncoder, CopyEncoder];
  readonly #now: () => number;
  #copy: Promise<TickCopy> | undefined;
  #ends = 0;

  constructor(
    sql: Sql,
    { encoders, now }: { encoders: readonly [CopyEncoder, CopyEncoder]; now: () => number },
  ) {
    this.#sql = sql;
    this.#encoders = encoders;
    this.#now = now;
  }

  /** Sends the start of a COPY. */
  open(): Promise<TickCopy> {
    this.#copy = openTickCopy(this.#sql, this.#encoders);
    this.#copy.catch(() => {}); // thrown by whoever awaits it
    this.#ends = this.#now() + copyMs;
    return this.#copy;
  }

  /** Says whether a COPY is open that must be ended before it gets so many more rows. */
  async isFullFor(rows: number): Promise<boolean> {
    const copy = await this.#copy;
    return copy !== undefined && (copy.rows + rows > maxCopyRows || this.#now() > this.#ends);
  }

  /** Writes ticks into the open COPY or a new one, and returns the arrival number of the first. */
  async write(ticks: readonly StoredTick[]): Promise<bigint> {
    const copy = await (this.#copy ?? this.open());
    return await copy.write(ticks);
  }

  async #take(): Promise<TickCopy | undefined> {
    const copy = await this.#copy;
    this.#copy = undefined;
    return copy;
  }

  async end(): Promise<void> {
    await (await this.#take())?.end();
  }

  /** Sends the end, and returns the statements whose answers are to come. */
  async sendEnd(): Promise<Promise<unknown>[]> {
    const copy = await this.#take();
    return copy ? [(await copy.sendEnd()).ended] : [];
  }

  async abort(): Promise<void> {
    const copy = await this.#take().catch(() => undefined);
    this.#copy = undefined;
    await copy?.abort();
  }
}
