import { dateOfDays, daysOfDate, dayUs, splitDay } from "./civil.ts";
import { type Interval, shortestUs } from "./interval.ts";
import type { Span } from "./span.ts";
import type { Zone } from "./zone.ts";

/** An axis cut into slots without gaps or overlaps. */
export interface Grid {
  slotOf(at: bigint): Span;
}

/** Months are counted from here, so that years, quarters and decades start on their usual dates. */
const monthAnchor = daysOfDate(2000, 1, 1);
/** Days are counted from a Monday, so that 7 days are an ISO week. */
const dayAnchor = daysOfDate(2001, 1, 1);
/** A mean month in microseconds, for the first estimate. */
const monthUs = 2_629_746_000_000n;

const floorDiv = (a: bigint, b: bigint) => {
  const quotient = a / b;
  return a % b !== 0n && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient;
};

/** Returns the wall clock `months` and `days` later; the 31st in a short month is its last day. */
function addToWall(wall: bigint, months: number, days: number): bigint {
  const { days: start, rest } = splitDay(wall);
  if (months === 0) return BigInt(start + days) * dayUs + rest;
  const { year, month, day } = dateOfDays(start);
  const total = year * 12 + month - 1 + months;
  const [y, m] = [Math.floor(total / 12), total - Math.floor(total / 12) * 12 + 1];
  const length = daysOfDate(m === 12 ? y + 1 : y, m === 12 ? 1 : m + 1, 1) - daysOfDate(y, m, 1);
  return BigInt(daysOfDate(y, m, Math.min(day, length)) + days) * dayUs + rest;
}

/** Returns the instant `interval` earlier, with days and months by the clock of `zone`. */
export function subtractInterval(instant: bigint, { months, days, us }: Interval, zone: Zone) {
  return zone.toInstant(addToWall(zone.toWall(instant), -months, -days)) - us;
}

/**
 * Makes a grid of time: months and days by the wall clock of `zone` (a day may have 23 or 25 hours), shorter parts by
 * elapsed time. Positions are microseconds since 1970.
 */
export function timeGrid(interval: Interval, zone: Zone): Grid {
  const { months, days, us } = interval;
  const anchor = BigInt(months > 0 ? monthAnchor : dayAnchor) * dayUs;
  const start = zone.toInstant(anchor);
  const mean = months === 0
    ? shortestUs(interval)
    : BigInt(months) * monthUs + BigInt(days) * dayUs + us;

  function boundary(n: bigint): bigint {
    if (months === 0 && days === 0) return start + n * us;
    const wall = addToWall(anchor, Number(n) * months, Number(n) * days);
    return zone.toInstant(wall) + n * us;
  }

  return {
    slotOf(at) {
      let n = floorDiv(at - start, mean);
      while (boundary(n) > at) n--;
      let to = boundary(n + 1n);
      while (to <= at) to = boundary(++n + 1n);
      return { from: boundary(n), to };
    },
  };
}

/** Makes a grid of numbers: ranges of `size`, from 0. */
export function numberGrid(size: bigint): Grid {
  return {
    slotOf(at) {
      const from = floorDiv(at, size) * size;
      return { from, to: from + size };
    },
  };
}
