import { clientLeft, HoldfastError } from "../../../errors.ts";
import type { IngestAnswer } from "../upload.ts";
import type { RowBatch } from "../tick.ts";

/** A small upload, parsed to its end, that waits to be written together with others. */
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

export interface GroupCommit {
  /**
   * Stores an upload with others. Resolves after the commit of its group, or rejects when its own rows were refused. When
   * `signal` aborts, an upload that still waits is dropped; one that is being written is written to its end.
   */
  submit(upload: SmallUpload, signal?: AbortSignal): Promise<IngestAnswer>;
  stats(): { active: number; waiting: number };
}

/** How long a free lane waits for another arrival after the last, and in all; milliseconds. */
const gatherMs = 1;
const gatherMaxMs = 10;
/** Share of the estimate of concurrent uploads that carries over to the next group. */
const crowdDecay = 0.7;

export const noLaneInTime = () =>
  new HoldfastError("overloaded", "No ingest lane became free in time", { retryAfterSeconds: 1 });

/**
 * Creates a group commit. Uploads that arrive while every lane writes are queued, and a free lane takes as many of them as
 * one group may have. One COPY and one flush of the WAL then serve many uploads. Clients that got their answers together send
 * again one after the other, so with many clients a free lane waits some milliseconds for its share of them. A single
 * upload never waits.
 */
export function createGroupCommit(
  { lanes, rowsMax, uploadsMax, waitMs, store, now = () => performance.now() }: {
    lanes: number;
    /** Bounds of one group. */
    rowsMax: number;
    uploadsMax: number;
    /** Longest time an upload waits for a lane; milliseconds. */
    waitMs: number;
    /** Stores a group and returns an answer or a fault for each upload, in order. Throws a fault of all of them. */
    store(uploads: readonly SmallUpload[]): Promise<(IngestAnswer | HoldfastError)[]>;
    now?: () => number;
  },
): GroupCommit {
  const queue: Waiting[] = [];
  let active = 0;
  /** Uploads being written, and an estimate of how many were lately here at once. */
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
      queue.shift()?.reject(noLaneInTime());
    }
  }

  /** Says whether a free lane should wait for more uploads, and sets the timer for it. */
  function isGathering(): boolean {
    const since = gathering?.since ?? now();
    if (gathering) clearTimeout(gathering.timer);
    gathering = undefined;
    if (queue.length >= Math.floor(crowd / lanes) || now() - since >= gatherMaxMs) return false;
    gathering = { since, timer: setTimeout(() => start(), gatherMs) };
    return true;
  }

  /** Starts to write the next group. */
  function start(): void {
    if (gathering) clearTimeout(gathering.timer);
    gathering = undefined;
    crowd = Math.max(crowd * crowdDecay, writing + queue.length);
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
