/** Apart by more than this, Holdfast's clock and the server's do not agree. Milliseconds. */
export const skewMaxMs = 60_000;
/** A clock may be this far ahead of what is known: a restart, a machine that slept. Milliseconds. */
export const aheadMaxMs = 24 * 3_600_000;
/** A longer absence is believed when a table has a row of the last day, up to this long. Milliseconds. */
export const explainedMaxMs = 31 * 24 * 3_600_000;
/** A clock that jumped is believed after Holdfast ran for so long while it went on evenly. Milliseconds. */
export const settledMs = 24 * 3_600_000;

/** The clocks at one moment, in milliseconds; `monotonic` has no date, and stands still in no jump. */
export interface ClockReading {
  own: number;
  server: number;
  /** How long the server's answer took. */
  roundTrip: number;
  monotonic: number;
}

/** What earlier rotations left behind. All in milliseconds. */
export interface ClockMemory {
  /** The last time that was found right, by any Holdfast, and the latest ever. */
  recorded: { server: number; peak: number } | undefined;
  /** The first time that this process found right. */
  anchor: { server: number; monotonic: number } | undefined;
  /** Since when the clock has been back, and went on evenly. */
  back: { server: number; monotonic: number } | undefined;
  /** Since when the clock has been ahead, and went on evenly. */
  ahead?: { server: number; monotonic: number } | undefined;
}

export type ClockVerdict =
  | {
    trusted: true;
    /** Earlier times are forgotten. */
    anew: boolean;
    /** The clock jumped ahead, and went on evenly from this time on; what passed before it is not known. */
    sinceMs?: number;
  }
  | { trusted: false; kind: "skew" | "ahead" | "back"; ms: number; reason: string };

const units: readonly [number, string][] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"]];

/** A span of time in words, such as "730 d". */
export function spanText(ms: number): string {
  const size = Math.abs(ms);
  const [unit, name] = units.find(([least]) => size >= 2 * least) ?? [1_000, "s"];
  return `${Math.round(size / unit)} ${name}`;
}

/** By how much Holdfast's clock is surely ahead of the server's (negative: behind); half the round trip is unsure. */
export function skewMs({ own, server, roundTrip }: Omit<ClockReading, "monotonic">): number {
  const apart = own - server;
  return Math.sign(apart) * Math.max(0, Math.abs(apart) - roundTrip / 2);
}

/** Whether a clock that jumped has gone on evenly since, and for how long: long enough to be believed. */
function isSettled(now: ClockReading, since: ClockMemory["back"]): boolean {
  return since !== undefined && goesOn(now, since) && now.monotonic - since.monotonic >= settledMs;
}

/** Whether as much time has passed by the server's clock as by the monotonic one. */
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
    /** How long this process has run since it first trusted a time, in milliseconds. */
    ranMs: ({ monotonic }: ClockReading): number => anchor ? monotonic - anchor.monotonic : 0,
    /** Takes in a reading and what was found; `confirmed` by a person, it is right whatever was known. */
    note({ server, monotonic }: ClockReading, verdict: ClockVerdict, confirmed: boolean): void {
      const here = { server, monotonic };
      if (verdict.trusted ? verdict.anew || !anchor || back : confirmed) anchor = here;
      const kind = verdict.trusted || confirmed ? "trusted" : verdict.kind;
      const since = (known: typeof back) => known && goesOn(here, known) ? known : here;
      back = kind === "back" ? since(back) : undefined;
      ahead = kind === "ahead" ? since(ahead) : undefined;
    },
  };
}
