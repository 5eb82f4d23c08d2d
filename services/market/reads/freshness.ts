import type { WalPosition } from "../../../db/server/wal_position.ts";

/** A position that the primary had at a time: all that was visible there at that time is before it. */
export interface Mark {
  /** When the primary was asked, before it answered; milliseconds of a clock that only grows. */
  at: number;
  end: bigint;
}

/** What is known of the primary. */
export interface PrimaryMarks {
  /** The cluster, database and timeline that the marks belong to; undefined before the first answer. */
  of: Omit<WalPosition, "inRecovery" | "end"> | undefined;
  /** By time. */
  marks: readonly Mark[];
}

/** A position of a standby. */
export interface StandbyPosition extends WalPosition {
  /** When the standby was asked, before it answered; milliseconds of the clock of the marks. */
  askedAt: number;
  /** When its answer was there. */
  answeredAt: number;
}

/** Why a standby must not answer a read, or did not. */
export const refusals = {
  primary_unknown: "the position of the primary is not known",
  unreachable: "it cannot be reached",
  late: "it did not say in time how far it is",
  promoted: "it is not a standby, or no longer",
  other_cluster: "it belongs to another cluster, or its address names another database",
  other_timeline: "it follows another timeline than the primary's",
  stale: "it has not replayed what the primary had written within the bound",
  absent: "it does not know the symbol, which may be newer than what it has replayed",
  error: "it refused the statement, for example because of a recovery conflict",
} as const;

export type Refusal = keyof typeof refusals;

export const noMarks: PrimaryMarks = { of: undefined, marks: [] };

/**
 * Adds an answer of the primary to what is known. Marks older than `boundMs` prove nothing and are dropped, and all of them
 * when another cluster, database or timeline answers. A server in recovery is no primary and adds nothing. Pure.
 */
export function noteMark(
  known: PrimaryMarks,
  { inRecovery, end, ...of }: WalPosition,
  at: number,
  boundMs: number,
): PrimaryMarks {
  if (inRecovery || end === undefined) return known;
  const same = known.of?.system === of.system && known.of.database === of.database &&
    known.of.timeline === of.timeline;
  const kept = same ? known.marks.filter((mark) => mark.at >= at - boundMs) : [];
  return { of, marks: [...kept, { at, end }] };
}

/** Says whether a standby was already further than the primary was later: then it follows another history. */
function wasAhead(marks: readonly Mark[], seen: StandbyPosition | undefined): boolean {
  const end = seen?.end;
  if (!seen || end === undefined) return false;
  return marks.some((mark) => mark.at > seen.answeredAt && mark.end < end);
}

/**
 * Judges whether what a standby shows after it gave `position` lacks nothing that was visible on the primary `boundMs`
 * before `position.askedAt`. Returns its staleness, an upper bound in milliseconds: the time between the question and the
 * newest mark that it has replayed. `seen` is an earlier position of the same standby. Pure.
 */
export function judgeFreshness(
  { of, marks }: PrimaryMarks,
  position: StandbyPosition,
  { boundMs, seen }: { boundMs: number; seen?: StandbyPosition | undefined },
): { staleMs: number } | { refusal: Refusal } {
  if (!position.inRecovery) return { refusal: "promoted" };
  const usable = marks.filter((mark) => mark.at >= position.askedAt - boundMs);
  if (!of || usable.length === 0) return { refusal: "primary_unknown" };
  if (position.system !== of.system || position.database !== of.database) {
    return { refusal: "other_cluster" };
  }
  if (position.timeline !== of.timeline || wasAhead(marks, seen)) {
    return { refusal: "other_timeline" };
  }
  const { end } = position;
  const reached = end === undefined ? undefined : usable.findLast((mark) => mark.end <= end);
  if (!reached) return { refusal: "stale" };
  return { staleMs: Math.max(0, position.askedAt - reached.at) };
}
