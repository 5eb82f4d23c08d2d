import { HoldfastError } from "../../../errors.ts";
import { type Grid, numberGrid, subtractInterval, timeGrid } from "./grid.ts";
import { type Interval, isForward, parseInterval, shortestUs } from "./interval.ts";
import { codecs, type KeyCodec, type KeyKind } from "./key.ts";
import { highest, lowest } from "./span.ts";
import { openZone, type Zone } from "./zone.ts";

/** The values of a table's partition key as positions, with the calendar of its policy. */
export interface Axis {
  codec: KeyCodec;
  grid: Grid;
  zone: Zone;
  /** Undefined for keys that are plain numbers. */
  interval: Interval | undefined;
  /**
   * Returns the position that an instant (microseconds since 1970) is in: the last one that has begun, for a date its day;
   * undefined for plain numbers.
   */
  atInstant(us: bigint): bigint | undefined;
  /** Returns the instant of a position; undefined for plain numbers and open ends. */
  instantOf(position: bigint): bigint | undefined;
  /** Returns the position `keep` before `present`. */
  before(present: bigint, keep: string): bigint;
}

export interface AxisPolicy {
  key: KeyKind;
  interval: string;
  time_zone: string;
}

function refuse(path: string, message: string): never {
  throw new HoldfastError("invalid_request", `${path}: ${message}`, {
    problems: [{ path, message }],
  });
}

/** Reads how many ids are meant: an id has no hours. */
export function parseCount(text: string, path: string): bigint {
  if (!/^[1-9]\d{0,17}$/.test(text)) {
    refuse(path, "for the key id this is an integer number of ids, such as 1000000");
  }
  return BigInt(text);
}

function readInterval(text: string, codec: KeyCodec): Interval {
  const interval = parseInterval(text);
  if (!isForward(interval)) refuse("interval", "must go forward");
  if (interval.months > 120_000 || interval.days > 3_660_000) refuse("interval", "is too long");
  if (shortestUs(interval) < 1_000_000n) refuse("interval", "must be a second or more");
  if (interval.us % codec.stepUs !== 0n) {
    refuse("interval", `must be whole ${codec.kind === "date" ? "days" : "steps"} of the key`);
  }
  return interval;
}

/** Makes an axis of time: its grid is computed in microseconds, of instants or of the wall clock. */
function timeAxis(policy: AxisPolicy, codec: KeyCodec): Axis {
  const zone = openZone(policy.time_zone);
  const interval = readInterval(policy.interval, codec);
  const wall = codec.axis === "wall";
  const grid = timeGrid(interval, wall ? openZone("UTC") : zone);
  const instantOf = (position: bigint) => {
    if (position === lowest || position === highest) return undefined;
    const us = codec.toUs(position);
    return wall ? zone.toInstant(us) : us;
  };
  const atInstant = (us: bigint) => codec.fromUs((wall ? zone.toWall(us) : us) - codec.stepUs + 1n);
  return {
    codec,
    zone,
    interval,
    grid: {
      slotOf(at) {
        const { from, to } = grid.slotOf(codec.toUs(at));
        return { from: codec.fromUs(from), to: codec.fromUs(to) };
      },
    },
    atInstant,
    instantOf,
    before(present, keep) {
      const instant = instantOf(present);
      if (instant === undefined) return lowest;
      return atInstant(subtractInterval(instant, parseInterval(keep), zone));
    },
  };
}

/** Makes the axis of a policy. Throws a HoldfastError that names the field when its parts do not fit together. */
export function createAxis(policy: AxisPolicy): Axis {
  const codec = codecs[policy.key];
  if (codec.axis !== "number") return timeAxis(policy, codec);
  return {
    codec,
    zone: openZone(policy.time_zone),
    interval: undefined,
    grid: numberGrid(parseCount(policy.interval, "interval")),
    atInstant: () => undefined,
    instantOf: () => undefined,
    before: (present, keep) => present - parseCount(keep, "retention.keep"),
  };
}
