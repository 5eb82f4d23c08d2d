import type { CollectorRows } from "../../../db/collectors/list.ts";

type Row = CollectorRows["standby"];

/** How a standby replays WAL; null is unknown, and on a primary. */
export interface StandbyState {
  /** How many seconds it is behind the WAL available to it; 0 when it has replayed all of it. */
  delay_seconds: number | null;
  receiving: boolean | null;
  paused: boolean | null;
}

/** Wait events of a startup process that found no more WAL in any source. */
const exhausted = new Set(["RecoveryRetrieveRetryInterval", "RecoveryWalStream"]);
/** Wait events of a startup process that has WAL and cannot replay it. */
const heldUp =
  /^(RecoveryConflict|RecoveryApplyDelay|BufferCleanup|BufferPin|relation|transactionid)/;
/** Limit of remembered positions; beyond it every second one is dropped. */
const marksMax = 1_000;
/** For this long after it had nothing to replay, waiting for a segment from the archive is not lag. */
const idleMs = 120_000;

/**
 * Works out the delay of a standby from several readings. The age of the last replayed transaction is not enough: it grows
 * while the primary is idle. With streaming, WAL that an earlier reading showed as received and that is not replayed is
 * late by the time since then. With an archive nothing is "received": the wait event of the startup process shows whether
 * it waits for more WAL.
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
    if (!before) return null; // the next reading shows since when it is behind
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
    // It replays transactions: the age of the newest one is its delay.
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
    // It has not streamed since its start: it restores from an archive, or still catches up from one.
    return row.streams === true && before !== undefined && !moved ? false : null;
  }

  return {
    /** Takes in a reading at `at`, in milliseconds. */
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
    /** Returns the state as of the last reading; undefined before the first one. */
    state: (): StandbyState | undefined => state,
  };
}
