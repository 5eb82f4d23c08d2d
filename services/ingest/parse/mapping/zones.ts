/** Offsets of time zones from Intl, the tz database that every runtime includes. */

const dayMs = 86_400_000;
/** Since 1970 every change of every zone is at a quarter of an hour. */
const quarterMs = 900_000;
const keptMax = 4_096;
const fixedOffset = /^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$/;

/** The UTC offset of a wall-clock time in minutes, or why it has none: skipped ("gap") or ambiguous ("fold"). */
export type LocalOffset = number | "gap" | "fold";

export interface Zone {
  /** Returns the offset of a wall-clock time, which is given in milliseconds as if it were UTC. */
  offsetOf(wallMs: number): LocalOffset;
}

/** Returns the minutes east of UTC of a fixed offset such as `+05:30`, `-4` or `UTC+2`; undefined for anything else. */
function fixedMinutes(name: string): number | undefined {
  if (/^(Z|UTC|GMT)$/i.test(name)) return 0;
  const [, sign, hours, minutes = "0"] = fixedOffset.exec(name) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Creates the function that returns a zone's offset in minutes at a UTC time in milliseconds. Throws a RangeError. */
function offsetReader(name: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (utcMs) => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(utcMs)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - utcMs) / 60_000);
  };
}

/** Opens a time zone by its IANA name or as a fixed offset; undefined when there is none of that name. */
export function openZone(name: string): Zone | undefined {
  const fixed = fixedMinutes(name);
  if (fixed !== undefined) return { offsetOf: () => fixed };
  let offsetAt: (utcMs: number) => number;
  try {
    offsetAt = offsetReader(name);
  } catch {
    return undefined;
  }
  const kept = new Map<number, LocalOffset>();

  function find(wallMs: number): LocalOffset {
    // The offsets before and after a nearby change; an offset is valid when it leads back to itself.
    const near = new Set([offsetAt(wallMs - dayMs), offsetAt(wallMs + dayMs)]);
    const real = [...near].filter((minutes) => offsetAt(wallMs - minutes * 60_000) === minutes);
    return real.length === 1 ? real[0]! : real.length === 0 ? "gap" : "fold";
  }

  return {
    offsetOf(wallMs) {
      const quarter = Math.floor(wallMs / quarterMs);
      let offset = kept.get(quarter);
      if (offset === undefined) {
        if (kept.size >= keptMax) kept.clear();
        kept.set(quarter, offset = find(quarter * quarterMs));
      }
      return offset;
    },
  };
}
