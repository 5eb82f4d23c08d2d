import type { CollectorRows } from "../../../db/collectors/list.ts";

type Row = CollectorRows["standby"];

/** How a standby replays; null is not known, or not asked of a primary. */
export interface StandbyState {
  /** Seconds that it is behind the WAL it can get at; 0 when it has replayed all of it. */
  delay_seconds: number | null;
  receiving: boolean | null;
  paused: boolean | null;
}

/** The startup process has asked every source for more WAL and was given none. */
const exhausted = new Set(["RecoveryRetrieveRetryInterval", "RecoveryWalStream"]);
/** It has WAL at hand, and is held up. */
const heldUp =
  /^(RecoveryConflict|RecoveryApplyDelay|BufferCleanup|BufferPin|relation|transactionid)/;
/** Positions received and not replayed yet that are remembered; of more every second one is forgotten. */
const marksMax = 1_000;
/** So long after it had nothing to replay, fetching a segment that is not there is no lag. */
const idleMs = 120_000;

/**
 * Judges a standby from several looks. The age of the last transaction replayed says nothing by itself: it grows while
 * the primary is idle. Positions tell: what had been received at an earlier look and is not replayed yet is late by
 * that time. From an archive nothing is "received": there the startup process tells whether it waits for more.
 */
export function createStandbyProgress() {
  let before: { at: number; row: Row } | undefined;
  let marks: { at: number; received: number }[] = [];
  let movedAt = 0;
  let exhaustedAt = -Infinity;
  let state: StandbyState | undefined;

  function ofStream(row: Row, replayed: number, received: number, at: number): number | null {
    marks = marks.filter((mark) => mark.received > replayed);
    if (replayed >= received) return 0;
    marks.push({ at, received });
    if (marks.length > marksMax) marks = marks.filter((_, index) => index % 2 === 0);
    if (!before) return null; // since when it is behind is known from the next look on
    const late = (at - (marks[0]?.at ?? at)) / 1000;
    return Math.min(late, row.xact_age_seconds ?? late);
  }

  function ofArchive(row: Row, moved: boolean, at: number): number | null {
    if (!row.sees_startup || row.paused) return null;
    if (exhausted.has(row.wait_event ?? "")) {
      exhaustedAt = at;
      return 0;
    }
    const age = row.xact_age_seconds;
    const old = before?.row.xact_age_seconds ?? null;
    const elapsed = before ? (at - before.at) / 1000 : 0;
    // Transactions pass by: the age of the newest of them is how late it is.
    const passing = moved && age !== null && (old === null || age < old + elapsed - 0.5);
    if (passing) return age;
    if (heldUp.test(row.wait_event ?? "")) {
      const held = (at - movedAt) / 1000;
      return Math.min(held, age ?? held);
    }
    return !moved && at - exhaustedAt <= idleMs ? 0 : null;
  }

  function receivingOf(row: Row, moved: boolean): boolean | null {
    if (row.streaming !== false) return row.streaming;
    if (row.received !== null) return false;
    // It never streamed since its start: it lives on an archive, or still catches up from one.
    return row.streams === true && before !== undefined && !moved ? false : null;
  }

  return {
    note(row: Row | undefined, at: number): void {
      if (!row || row === before?.row) return;
      const { replayed, received } = row;
      if (!row.in_recovery || replayed === null) {
        state = { delay_seconds: null, receiving: null, paused: null };
        [before, marks, exhaustedAt] = [undefined, [], -Infinity];
        return;
      }
      const moved = before !== undefined && replayed > (before.row.replayed ?? 0);
      if (moved || !before) movedAt = at;
      const byStream = received !== null && (row.streaming !== false || replayed < received);
      state = {
        delay_seconds: byStream ? ofStream(row, replayed, received, at) : ofArchive(row, moved, at),
        receiving: receivingOf(row, moved),
        paused: row.paused,
      };
      before = { at, row };
    },
    state: (): StandbyState | undefined => state,
  };
}
