import { durationText } from "../../../lib/text/format.ts";

/** Holdfast's clock and the server's disagree beyond this difference. Milliseconds. */
const skewMaxMs = 60_000;
/** A clock may be ahead of the last known time by this much, such as after a restart or a suspend. Milliseconds. */
export const aheadMaxMs = 24 * 3_600_000;
/** A longer absence is accepted when a table has a row of the last day, up to this long. Milliseconds. */
export const explainedMaxMs = 31 * 24 * 3_600_000;
/** A clock that jumped is trusted after it ran evenly for so long. Milliseconds. */
const settledMs = 24 * 3_600_000;

/** All clocks at one moment, in milliseconds; `monotonic` has no date and never jumps. */
export interface ClockReading {
  own: number;
  server: number;
  /** Round trip of the query. */
  roundTrip: number;
  monotonic: number;
}

/** What earlier rotations recorded. Milliseconds. */
export interface ClockMemory {
  /** The last trusted time of any Holdfast, and the latest ever. */
  recorded: { server: number; peak: number } | undefined;
  /** The first time that this process trusted. */
  anchor: { server: number; monotonic: number } | undefined;
  /** Since when the clock has been behind and has run evenly. */
  back: { server: number; monotonic: number } | undefined;
  /** Since when the clock has been ahead and has run evenly. */
  ahead?: { server: number; monotonic: number } | undefined;
}

export type ClockVerdict =
  | {
    trusted: true;
    /** Whether earlier times are discarded. */
    anew: boolean;
    /** The clock jumped ahead and has run evenly since this time; how much time passed before is not known. */
    sinceMs?: number;
  }
  | { trusted: false; kind: "skew" | "ahead" | "back"; ms: number; reason: string };

/** Returns a duration as text, such as "730 d", whatever its sign. */
export const spanText = (ms: number): string => durationText(Math.abs(ms) / 1_000);

/**
 * Returns by how much Holdfast's clock is certainly ahead of the server's (negative: behind); half the round trip is
 * uncertain.
 */
export function skewMs({ own, server, roundTrip }: Omit<ClockReading, "monotonic">): number {
  const apart = own - server;
  return Math.sign(apart) * Math.max(0, Math.abs(apart) - roundTrip / 2);
}

/** Says whether a clock that jumped has run evenly for long enough to be trusted. */
function isSettled(now: ClockReading, since: ClockMemory["back"]): boolean {
  return since !== undefined && goesOn(now, since) && now.monotonic - since.monotonic >= settledMs;
}

/** Says whether the same time has passed by the server's clock as by the monotonic one. */
function goesOn(
  { server, monotonic }: Pick<ClockReading, "server" | "monotonic">,
  since: { server: number; monotonic: number },
): boolean {
  return Math.abs(server - since.server - (monotonic - since.monotonic)) < skewMaxMs;
}

/**
 * Says whether the server's time may be acted on: it agrees with Holdfast's clock, with the time that has passed since
 * this process first read it, and with the last recorded rotation. `fresh` is whether a managed table has a row of the
 * last day. Pure.
 */
export function judgeClocks(
  now: ClockReading,
  { recorded, anchor, back, ahead: jumped }: ClockMemory,
  fresh: boolean,
): ClockVerdict {
  const skew = skewMs(now);
  if (Math.abs(skew) > skewMaxMs) {
    return {
      trusted: false,
      kind: "skew",
      ms: skew,
      reason: `Holdfast's clock is ${spanText(skew)} ${
        skew > 0 ? "ahead of" : "behind"
      } the server's: one of them is wrong`,
    };
  }
  const known = recorded && recorded.server - now.server;
  if (recorded && known !== undefined && known > skewMaxMs) {
    if (isSettled(now, back)) return { trusted: true, anew: false };
    return {
      trusted: false,
      kind: "back",
      ms: known,
      reason: `the clock went back ${spanText(known)}: the last rotation was at ${
        new Date(recorded.server).toISOString()
      }`,
    };
  }
  const expected = anchor
    ? anchor.server + now.monotonic - anchor.monotonic
    : recorded?.peak ?? now.server;
  const ahead = now.server - Math.max(expected, recorded && anchor ? recorded.peak : expected);
  if (ahead <= aheadMaxMs) return { trusted: true, anew: false };
  if (fresh && ahead <= explainedMaxMs) return { trusted: true, anew: true };
  if (jumped && isSettled(now, jumped)) {
    return { trusted: true, anew: true, sinceMs: jumped.server };
  }
  return {
    trusted: false,
    kind: "ahead",
    ms: ahead,
    reason: anchor
      ? `the clock jumped ${spanText(ahead)} ahead while Holdfast ran`
      : `the last rotation was at ${new Date(expected).toISOString()}, ${
        spanText(ahead)
      } ago by the clock`,
  };
}

/** Keeps the memory that `judgeClocks` judges by, of one process. */
export function createClockMemory() {
  let anchor: ClockMemory["anchor"];
  let back: ClockMemory["back"];
  let ahead: ClockMemory["ahead"];
  return {
    of: (recorded: ClockMemory["recorded"]): ClockMemory => ({ recorded, anchor, back, ahead }),
    /** Milliseconds that this process has run since it first trusted a time. */
    ranMs: ({ monotonic }: ClockReading): number => anchor ? monotonic - anchor.monotonic : 0,
    /** Stores a reading and its verdict; one `confirmed` by an operator is trusted whatever was known. */
    record({ server, monotonic }: ClockReading, verdict: ClockVerdict, confirmed: boolean): void {
      const here = { server, monotonic };
      if (verdict.trusted ? verdict.anew || !anchor || back : confirmed) anchor = here;
      const kind = verdict.trusted || confirmed ? "trusted" : verdict.kind;
      const since = (known: typeof back) => known && goesOn(here, known) ? known : here;
      back = kind === "back" ? since(back) : undefined;
      ahead = kind === "ahead" ? since(ahead) : undefined;
    },
  };
}
