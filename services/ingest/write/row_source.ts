import type { Alarms } from "../admission/alarms.ts";
import type { RowBatch } from "../tick.ts";
import { rowsOf } from "../upload.ts";

/** The rows of one body, asked for with patience. */
export interface RowFeed {
  /** The next batch, undefined at the end, or "late" when it is not there within `waitMs`: ask again. */
  next(waitMs?: number): Promise<RowBatch | undefined | "late">;
  /** Lets go of the body, read to its end or not. */
  close(): Promise<void>;
}

export function createRowFeed(batches: AsyncIterable<RowBatch>, alarms: Alarms): RowFeed {
  const rows = batches[Symbol.asyncIterator]();
  let pending: Promise<RowBatch | undefined> | undefined;
  let begun = false;

  /** Passes over an empty batch at the end: whoever has the one before it then knows that it was the last. */
  async function read(): Promise<RowBatch | undefined> {
    for (;;) {
      const { done, value } = await rows.next();
      if (done) return undefined;
      if (begun && rowsOf(value) === 0) continue;
      begun = true;
      return value;
    }
  }

  function ask(): Promise<RowBatch | undefined> {
    if (!pending) {
      pending = read();
      pending.catch(() => {}); // told to whoever asks
    }
    return pending;
  }

  return {
    async next(waitMs) {
      const asked = ask();
      if (waitMs === undefined) {
        const batch = await asked;
        pending = undefined;
        return batch;
      }
      let cancel = () => {};
      const late = new Promise<"late">((resolve) => {
        cancel = alarms.set(waitMs, () => resolve("late"));
      });
      const batch = await Promise.race([asked, late]).finally(cancel);
      if (batch !== "late") pending = undefined;
      return batch;
    },
    async close() {
      const closed = rows.return?.();
      closed?.catch(() => {});
      // A generator that waits for the sender ends when that wait does.
      if (!pending) await closed;
    },
  };
}
