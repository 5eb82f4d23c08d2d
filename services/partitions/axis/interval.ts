import { HoldfastError } from "../../../errors.ts";
import { secondUs } from "./civil.ts";

/** An interval as Postgres stores it: months, days and clock time are separate. */
export interface Interval {
  months: number;
  days: number;
  us: bigint;
}

const units: Record<string, (n: number) => Partial<Interval>> = {
  year: (n) => ({ months: 12 * n }),
  mon: (n) => ({ months: n }),
  month: (n) => ({ months: n }),
  week: (n) => ({ days: 7 * n }),
  day: (n) => ({ days: n }),
  hour: (n) => ({ us: BigInt(n) * 3600n * secondUs }),
  minute: (n) => ({ us: BigInt(n) * 60n * secondUs }),
  second: (n) => ({ us: BigInt(n) * secondUs }),
};

const clockPattern = /^(-?)(\d{1,9}):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/;

function parseClock(text: string): bigint | undefined {
  const match = clockPattern.exec(text);
  if (!match) return undefined;
  const [, sign, hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match;
  const size = ((BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds)) * secondUs +
    BigInt(fraction.padEnd(6, "0"));
  return sign ? -size : size;
}

/** Reads an interval in Postgres's own style ("1 year 6 mons", "10 days", "03:00:00"). */
export function parseInterval(text: string): Interval {
  const interval: Interval = { months: 0, days: 0, us: 0n };
  const words = text.trim().split(/ +/);
  for (let at = 0; at < words.length; at++) {
    const clock = parseClock(words[at] ?? "");
    if (clock !== undefined) {
      interval.us += clock;
      continue;
    }
    const amount = /^-?\d{1,9}$/.test(words[at] ?? "") ? Number(words[at]) : NaN;
    const unit = units[(words[++at] ?? "").replace(/s$/, "")];
    if (Number.isNaN(amount) || !unit) {
      throw new HoldfastError("invalid_request", `Cannot read the interval ${text}`);
    }
    const { months = 0, days = 0, us = 0n } = unit(amount);
    interval.months += months;
    interval.days += days;
    interval.us += us;
  }
  return interval;
}

/** Says whether an interval is positive, with no negative part. */
export function isForward({ months, days, us }: Interval): boolean {
  return months >= 0 && days >= 0 && us >= 0n && (months > 0 || days > 0 || us > 0n);
}

/** Returns the shortest time that an interval can be, in microseconds. */
export function shortestUs({ months, days, us }: Interval): bigint {
  return (BigInt(months) * 28n + BigInt(days)) * 86_400n * secondUs + us;
}
