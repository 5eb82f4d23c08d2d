import { formatTimestamp, midnightUs, parseTickTime } from "../../timestamp.ts";
import type { TimeFault } from "../../tick.ts";
import type { Zone } from "./zones.ts";

export const timeUnits = ["s", "ms", "us", "ns"] as const;
export type TimeUnit = (typeof timeUnits)[number];

export const dateOrders = ["ymd", "dmy", "mdy"] as const;
export type DateOrder = (typeof dateOrders)[number];

export interface TimeForm {
  /** Units that numbers since 1970 may count; the first number decides between several. */
  units: readonly TimeUnit[];
  /** The zone of times without an offset. */
  zone: Zone | undefined;
  zoneName: string | undefined;
  order: DateOrder;
  nowUs: number;
}

/** Reads one value as microseconds since 1970, or returns what is wrong with it. */
export type TimeReader = (value: unknown) => number | TimeFault;

/** Decimal digits by which a unit is finer than microseconds; negative when coarser. */
const digitsFiner: Record<TimeUnit, number> = { s: -6, ms: -3, us: 0, ns: 3 };
const unitNames: Record<TimeUnit, string> = {
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
};

/** A time outside of these bounds shows that the unit is wrong. */
const plausibleFromUs = Date.UTC(1990, 0, 1) * 1000;
const yearUs = 366 * 86_400_000_000;

const plainNumber = /^[+-]?\d+(\.\d*)?$/;
const exponent = /^[+-]?\d+(\.\d*)?e[+-]?\d+$/i;
const clock = String.raw`(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?`;
const compactClock = String.raw`(\d\d)(\d\d)(\d\d)(?:\.(\d{1,12}))?`;
const offsetForm = String.raw`(?:\s*(Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d\d)?|UTC|GMT))?`;
const wallClock = new RegExp(
  String
    .raw`^(\d{1,4})([-/.]?)(\d\d?)\2(\d\d|\d{4})(?:T|\s+|-|:)(?:${clock}|${compactClock})${offsetForm}$`,
  "i",
);

const usIn = { s: 1_000_000, ms: 1_000, us: 1 };
/** Decimal digits that a double holds exactly. */
const exactDigits = 15;

/** Converts an integer or decimal number in `unit` to microseconds; further digits are cut. */
function unitToUs(text: string, unit: TimeUnit): number {
  if (text.length <= exactDigits && unit !== "ns" && !text.includes(".")) {
    return Number(text) * usIn[unit];
  }
  const negative = text.startsWith("-");
  const [whole = "", fraction = ""] = text.replace(/^[+-]/, "").split(".");
  const shift = -digitsFiner[unit];
  const digits = shift >= 0
    ? whole + fraction.slice(0, shift).padEnd(shift, "0")
    : whole.slice(0, shift);
  return (negative ? -1 : 1) * Number(digits || "0");
}

/** Describes a time: its date, or only the year when that is far from now. */
function placeInTime(us: number): string {
  if (Math.abs(us) < 4e15 * 1.8) return formatTimestamp(us);
  const year = Math.floor(1970 + us / (365.2425 * 86_400_000_000));
  return `the year ${year}`;
}

/** Returns the unit in which a number is a time of the last decades; undefined when there is none. */
export function likelyUnit(text: string, nowUs: number): TimeUnit | undefined {
  if (!plainNumber.test(text)) return undefined;
  return timeUnits.find((unit) => isPlausible(unitToUs(text, unit), nowUs));
}

const isPlausible = (us: number, nowUs: number) => us >= plausibleFromUs && us <= nowUs + yearUs;

/** Returns the fault of a number without a unit, with the unit in which it would be a recent time. */
function unitlessFault(text: string, nowUs: number): TimeFault {
  const likely = likelyUnit(text, nowUs);
  return {
    message: `ts must be an RFC 3339 time with an offset; ${text.slice(0, 40)} is a number` +
      (likely === undefined
        ? ", say its unit: time_unit=s, ms, us or ns (import: --time-unit)"
        : `: if it counts ${
          unitNames[likely]
        } since 1970, say time_unit=${likely} (import: --time-unit ${likely})`),
  };
}

function readNumber(text: string, units: readonly TimeUnit[], nowUs: number): number | TimeFault {
  for (const unit of units) {
    const us = unitToUs(text, unit);
    if (isPlausible(us, nowUs)) return us;
  }
  const [unit = "s"] = units;
  const us = unitToUs(text, unit);
  const likely = likelyUnit(text, nowUs);
  const meant = likely === undefined
    ? "numbers must be times from 1990 to one year ahead"
    : `as ${unitNames[likely]} it is ${
      placeInTime(unitToUs(text, likely))
    }: did you mean ${likely}?`;
  return {
    message: `${text.slice(0, 40)} read as ${unitNames[unit]} is ${placeInTime(us)}; ${meant}`,
  };
}

/** Returns year, month and day by their order; undefined when the digits do not fit. */
function dateOf(first: string, separator: string, second: string, third: string, order: DateOrder) {
  if (separator === "" && second.length !== 2) return undefined;
  if (order === "ymd" || (separator === "" && first.length === 4)) {
    return first.length === 4 && third.length === 2 ? [first, second, third] : undefined;
  }
  if (separator === "" || first.length > 2 || third.length !== 4) return undefined;
  return order === "dmy" ? [third, second, first] : [third, first, second];
}

const howToWrite =
  "ts must be an RFC 3339 time with an offset, such as 2026-01-31T09:30:00.123Z, or 2026-01-31 09:30:00.123 with time_zone; set other orders of the date with date_order";

/** Returns the minutes of an offset: `Z`, `+05:30`, `+0530`, `-4`, `GMT+0200`. */
function offsetMinutes(text: string): number {
  const [, sign, hours = "0", minutes = "0"] = /([+-])(\d{1,2}):?(\d\d)?$/.exec(text) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function readWallClock(text: string, form: TimeForm): number | TimeFault {
  const found = wallClock.exec(text.trim());
  if (!found) return { message: `${howToWrite}; it is ${JSON.stringify(text.slice(0, 40))}` };
  const [, first = "", separator = "", second = "", third = ""] = found;
  const [hours, minutes, seconds = "0", fraction = ""] = found[5] === undefined
    ? found.slice(9, 13)
    : found.slice(5, 9);
  const date = dateOf(first, separator, second, third, form.order)?.map(Number);
  const midnight = date ? midnightUs(date[0]!, date[1]!, date[2]!) : NaN;
  if (
    Number.isNaN(midnight) || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60
  ) {
    const hint = form.order === "ymd" ? "; set other orders of the date with date_order" : "";
    return {
      message: `${
        JSON.stringify(text.slice(0, 40))
      } is no time with its date as ${form.order}${hint}`,
    };
  }
  const wallUs = midnight +
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000 +
    Number(fraction.slice(0, 6).padEnd(6, "0"));
  const written = found[13];
  if (written !== undefined) return wallUs - offsetMinutes(written) * 60_000_000;
  if (!form.zone) {
    return {
      message: `${
        JSON.stringify(text.slice(0, 40))
      } has no offset: say in which time zone it was written, time_zone=UTC or a name such as America/New_York (import: --time-zone)`,
    };
  }
  const local = form.zone.offsetOf(Math.floor(wallUs / 1000));
  if (typeof local === "number") return wallUs - local * 60_000_000;
  return {
    message: local === "gap"
      ? `${text.slice(0, 40)} does not exist in ${form.zoneName}: clocks were put forward`
      : `${
        text.slice(0, 40)
      } happens twice in ${form.zoneName}: clocks were put back; send it with its offset`,
  };
}

/** Creates the reader for the times of one body. */
export function createTimeReader(form: TimeForm): TimeReader {
  let { units } = form;
  return (value) => {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") {
      return {
        message: `ts must be a time, it is ${
          value === null ? "null" : value === undefined ? "missing" : `a ${typeof value}`
        }`,
      };
    }
    const text = String(value);
    const trimmed = text.trim();
    if (plainNumber.test(trimmed)) {
      if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
        return { message: `ts ${text} has more digits than a JSON number holds; send it as text` };
      }
      if (units.length === 0) return unitlessFault(trimmed, form.nowUs);
      const us = readNumber(trimmed, units, form.nowUs);
      if (typeof us === "number" && units.length > 1) {
        units = units.filter((unit) => unitToUs(trimmed, unit) === us);
      }
      return us;
    }
    if (exponent.test(trimmed)) {
      return { message: `ts ${text.slice(0, 40)} lost digits to its exponent; write all digits` };
    }
    const us = parseTickTime(text);
    return Number.isNaN(us) ? readWallClock(text, form) : us;
  };
}
