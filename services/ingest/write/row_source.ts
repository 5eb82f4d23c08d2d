import { clientLeft } from "../../../errors.ts";
import type { Alarms } from "../admission/alarms.ts";
import type { RowBatch } from "../tick.ts";
import { rowsOf } from "../upload.ts";

/** The rows of one body, read with a timeout. */
export interface RowSource {
  /**
   * Returns the next batch, undefined at the end, or "late" after `waitMs`; a later call then returns that batch. Throws
   * `client_left` once the source is closed: work that goes on after its client left must not take that for the end.
   */
  next(waitMs?: number): Promise<RowBatch | undefined | "late">;
  /** Closes the body, whether or not it was read to its end. */
  close(): Promise<void>;
}

export function createRowSource(batches: AsyncIterable<RowBatch>, alarms: Alarms): RowSource {
  const rows = batches[Symbol.asyncIterator]();
  let pending: Promise<RowBatch | undefined> | undefined;
  let begun = false;
  let isClosed = false;

  /** Skips empty batches after the first, so that the last batch returned is known to be the last. */
  async function read(): Promise<RowBatch | undefined> {
    for (;;) {
      const { done, value } = await rows.next();
      if (isClosed) throw clientLeft();
      if (done) return undefined;
      if (begun && rowsOf(value) === 0) continue;
      begun = true;
      return value;
    }
  }

  function request(): Promise<RowBatch | undefined> {
    if (!pending) {
      pending = read();
      pending.catch(() => {}); // reported by the call of `next` that awaits it
    }
    return pending;
  }

  return {
    async next(waitMs) {
      const requested = request();
      if (waitMs === undefined) {
        const batch = await requested;
        pending = undefined;
        return batch;
      }
      let cancel = () => {};
      const late = new Promise<"late">((resolve) => {
        cancel = alarms.set(waitMs, () => resolve("late"));
      });
      const batch = await Promise.race([requested, late]).finally(cancel);
      if (batch !== "late") pending = undefined;
      return batch;
    },
    async close() {
      isClosed = true;
      const closed = rows.return?.();
      closed?.catch(() => {});
      // A generator that waits for its sender ends when that wait does.
      if (!pending) await closed;
    },
  };
}
