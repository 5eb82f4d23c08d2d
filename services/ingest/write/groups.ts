import { clientLeft, HoldfastError } from "../../../errors.ts";
import type { IngestAnswer } from "../upload.ts";
import type { RowBatch } from "../tick.ts";

/** A whole small upload, parsed, waiting to be written together with others. */
export interface SmallUpload {
  batch: RowBatch;
  rows: number;
  create: boolean;
  backfill: boolean;
  key: string | undefined;
  fingerprint: () => string;
}

interface Waiting {
  upload: SmallUpload;
  since: number;
  resolve(answer: IngestAnswer): void;
  reject(error: unknown): void;
}

export interface Groups {
  /**
   * Settles when the group with this upload has been committed, or when its own rows were refused. An upload that waits when
   * `signal` aborts is given up; one that is being written is written, together with the others.
   */
  submit(upload: SmallUpload, signal?: AbortSignal): Promise<IngestAnswer>;
  stats(): { active: number; waiting: number };
}

/** How long a free lane looks for more after the last arrival, and in all; milliseconds. */
const gatherMs = 1;
const gatherMaxMs = 10;
/** Of the crowd seen, what is remembered from one group to the next. */
const memory = 0.7;

/**
 * Group commit: while every lane is writing, arrivals gather; a lane that comes free takes all it may at once. One
 * COPY and one flush of the WAL then serve many uploads. Senders whose answers came together come back one after
 * the other: in a crowd a free lane waits for its share of it, some milliseconds at most. One that comes alone waits
 * for nobody.
 */
export function createGroups(
  { lanes, rowsMax, uploadsMax, waitMs, store, now = () => performance.now() }: {
    lanes: number;
    /** Bounds of one group. */
    rowsMax: number;
    uploadsMax: number;
    /** Longest an upload waits for a lane; milliseconds. */
    waitMs: number;
    /** Writes a group; the answers, in order, or the reason why one of them has none. Throws for all of them. */
    store(uploads: readonly SmallUpload[]): Promise<(IngestAnswer | HoldfastError)[]>;
    now?: () => number;
  },
): Groups {
  const queue: Waiting[] = [];
  let active = 0;
  /** Uploads being written, and about how many were lately here at once. */
  let writing = 0;
  let crowd = 0;
  let gathering: { since: number; timer: ReturnType<typeof setTimeout> } | undefined;

  function take(): Waiting[] {
    let rows = 0;
    let count = 0;
    while (count < queue.length && count < uploadsMax) {
      rows += queue[count]!.upload.rows;
      if (count > 0 && rows > rowsMax) break;
      count++;
    }
    return queue.splice(0, count);
  }

  async function write(group: readonly Waiting[]): Promise<void> {
    try {
      const answers = await store(group.map(({ upload }) => upload));
      group.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer instanceof HoldfastError) reject(answer);
        else if (answer) resolve(answer);
        else reject(new Error("A group was written without an answer for each upload"));
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  function refuseLate(): void {
    while (queue[0] && now() - queue[0].since > waitMs) {
      queue.shift()?.reject(
        new HoldfastError("overloaded", "No turn to be written came in time", {
          retryAfterSeconds: 1,
        }),
      );
    }
  }

  /** Says whether more of the crowd should be waited for, and sets the clock for it. */
  function isGathering(): boolean {
    const since = gathering?.since ?? now();
    if (gathering) clearTimeout(gathering.timer);
    gathering = undefined;
    if (queue.length >= Math.floor(crowd / lanes) || now() - since >= gatherMaxMs) return false;
    gathering = { since, timer: setTimeout(() => start(), gatherMs) };
    return true;
  }

  /** Sends off the next group. */
  function start(): void {
    if (gathering) clearTimeout(gathering.timer);
    gathering = undefined;
    crowd = Math.max(crowd * memory, writing + queue.length);
    const group = take();
    if (group.length === 0) return;
    active++;
    writing += group.length;
    write(group).finally(() => {
      active--;
      writing -= group.length;
      pump();
    });
    pump();
  }

  function pump(): void {
    refuseLate();
    if (active < lanes && queue.length > 0 && !isGathering()) start();
  }

  return {
    submit(upload, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<IngestAnswer>();
      if (signal?.aborted) {
        reject(clientLeft());
        return promise;
      }
      const waiting: Waiting = { upload, since: now(), resolve, reject };
      queue.push(waiting);
      signal?.addEventListener("abort", () => {
        const at = queue.indexOf(waiting);
        if (at < 0) return;
        queue.splice(at, 1);
        reject(clientLeft());
      }, { once: true });
      pump();
      return promise;
    },
    stats: () => ({ active, waiting: queue.length }),
  };
}
