import { suffixedName } from "../../../db/partitions/names.ts";
import { dateOfDays, daysOfDate, splitDay } from "./civil.ts";
import type { Axis } from "./axis.ts";
import type { Interval } from "./interval.ts";

const two = (value: number) => String(value).padStart(2, "0");
const yearText = (year: number) => year > 0 ? String(year).padStart(4, "0") : `${1 - year}bc`;

/** Returns the ISO week of a day, with the year of the week's Thursday. */
function isoWeek(days: number): string {
  const thursday = days - ((days + 3) % 7 + 7) % 7 + 3;
  const { year } = dateOfDays(thursday);
  return `${yearText(year)}w${two(Math.floor((thursday - daysOfDate(year, 1, 1)) / 7) + 1)}`;
}

function dateSuffix(wall: bigint): string {
  const { days, rest } = splitDay(wall);
  const { year, month, day } = dateOfDays(days);
  const date = `${yearText(year)}${two(month)}${two(day)}`;
  if (rest === 0n) return date;
  const seconds = Number(rest / 1_000_000n);
  const clock = two(Math.floor(seconds / 3600)) + two(Math.floor(seconds / 60) % 60);
  return `${date}_${clock}${seconds % 60 === 0 ? "" : two(seconds % 60)}`;
}

/** Returns the suffix of a slot that starts on a date of the calendar. */
function slotSuffix(wall: bigint, { months, days, us }: Interval): string {
  const { days: start } = splitDay(wall);
  const { year, month } = dateOfDays(start);
  if (us === 0n && months === 0 && days === 7) return isoWeek(start);
  if (us > 0n || days > 0) return dateSuffix(wall);
  if (months % 12 === 0) return yearText(year);
  if (months === 3) return `${yearText(year)}q${(month + 2) / 3}`;
  return `${yearText(year)}${two(month)}`;
}

function suffixOf(axis: Axis, from: bigint): string {
  const { codec, grid, interval, zone } = axis;
  if (!interval) return from < 0n ? `m${-from}` : String(from);
  const us = codec.toUs(from);
  const wall = codec.axis === "wall" ? us : zone.toWall(us);
  const midnight = splitDay(wall).rest === 0n;
  if (grid.slotOf(from).from === from && interval.us === 0n) return slotSuffix(wall, interval);
  // An hour occurs twice when clocks are set back, and both need a name: slots shorter than a day are named by UTC.
  return dateSuffix(interval.us === 0n && midnight ? wall : us);
}

/**
 * Returns the name of the leaf that starts at `from`: the table's name and the slot's. A name that would be too long is cut
 * and marked with a digest, so that two long names do not become one.
 */
export function leafName(table: string, axis: Axis, from: bigint): string {
  return suffixedName(table, `_p${suffixOf(axis, from)}`);
}

/**
 * Returns the name of a sub-partition. Of pieces shorter than a day also the one at midnight has its hour, or it would be
 * named like the day's leaf.
 */
export function subName(table: string, axis: Axis, from: bigint): string {
  const suffix = suffixOf(axis, from);
  const hourless = (axis.interval?.us ?? 0n) > 0n && !suffix.includes("_");
  return suffixedName(table, `_p${suffix}${hourless ? "_0000" : ""}`);
}

/** Returns a longer name that no leaf with another start has, for when a leaf of another calendar has the usual one. */
export function preciseName(table: string, axis: Axis, from: bigint): string {
  if (!axis.interval) return leafName(table, axis, from);
  const us = axis.codec.toUs(from);
  const { days, rest } = splitDay(us);
  const { year, month, day } = dateOfDays(days);
  const clock = String(rest / 1_000_000n % 86_400n).padStart(5, "0");
  return suffixedName(table, `_p${yearText(year)}${two(month)}${two(day)}s${clock}`);
}
