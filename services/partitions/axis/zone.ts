import { HoldfastError } from "../../../errors.ts";
import { dayUs, secondUs } from "./civil.ts";

/** Converts between instants and wall clocks of a time zone, both in microseconds since 1970. */
export interface Zone {
  name: string;
  toWall(instant: bigint): bigint;
  /**
   * Returns the instant of a wall clock: the first of the two in an autumn night, and in the gap of a spring night the
   * instant as far after the gap's start, as `timestamp at time zone` and Temporal's "compatible" do.
   */
  toInstant(wall: bigint): bigint;
}

// Intl supports the years 1 to 9999; before 1800 and after 9999 the rules of the nearest year apply.
const earliestMs = Date.UTC(1800, 0, 1);
const latestMs = Date.UTC(9999, 11, 31);

/** Parses an offset such as "GMT", "GMT+05:45" or "GMT-04:56:02" into microseconds. */
function parseOffset(text: string): bigint {
  const match = /GMT(?:([+-])(\d\d):?(\d\d)(?::?(\d\d))?)?/.exec(text);
  const [, sign, hours = "0", minutes = "0", seconds = "0"] = match ?? [];
  const size = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  return (sign === "-" ? -size : size) * secondUs;
}

function formatterOf(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      year: "numeric",
      timeZoneName: "longOffset",
    });
  } catch (cause) {
    throw new HoldfastError("invalid_request", `There is no time zone ${JSON.stringify(name)}`, {
      problems: [{ path: "time_zone", message: "no such time zone" }],
      cause,
    });
  }
}

/**
 * Opens a zone by its IANA name, with Intl, which every supported runtime has, unlike Temporal. Throws a HoldfastError for
 * an unknown name.
 */
export function openZone(name: string): Zone {
  if (name === "UTC") return { name, toWall: (us) => us, toInstant: (us) => us };
  const formatter = formatterOf(name);

  function offsetAt(instant: bigint): bigint {
    const ms = Math.min(Math.max(Number(instant / 1000n), earliestMs), latestMs);
    return parseOffset(formatter.format(ms));
  }

  return {
    name,
    toWall: (instant) => instant + offsetAt(instant),
    toInstant(wall) {
      // No zone changes twice within two days, so the offsets of the day before and the day after are the only candidates.
      const before = offsetAt(wall - dayUs);
      const after = offsetAt(wall + dayUs);
      if (before === after) return wall - before;
      const first = wall - before;
      if (offsetAt(first) === before) return first;
      const second = wall - after;
      return offsetAt(second) === after ? second : first;
    },
  };
}
