import { type CollectorName, type CollectorRows, collectors } from "../../../db/collectors/list.ts";
import { fullBudget, type TierBudget } from "./budget.ts";

/** What a collector last read, or why it read nothing. Times are milliseconds since 1970. */
export interface Reading<T> {
  value: T | undefined;
  /** When `value` was read. */
  at: number | undefined;
  error: string | undefined;
  errorAt: number | undefined;
  /** Whether the last query found no connection of our own in time: the server was not asked and refused nothing. */
  unasked: boolean;
  /** The server's refusal of the last query that reached it. */
  refusal: { error: string; at: number } | undefined;
  /** How long the last query took once it had a connection. */
  durationMs: number | undefined;
  /** Why this server cannot be asked: the values stay unknown, and nothing is wrong. */
  missing: string | undefined;
  budget: TierBudget;
}

/** The readings of all collectors, by name. */
export type Readings = { [K in CollectorName]: Reading<CollectorRows[K][]> };

/** Returns a reading of a collector that has not run. */
export function emptyReading<T>(): Reading<T> {
  return {
    value: undefined,
    at: undefined,
    error: undefined,
    errorAt: undefined,
    unasked: false,
    refusal: undefined,
    durationMs: undefined,
    missing: undefined,
    budget: fullBudget,
  };
}

/** Returns an empty reading for every collector. */
export function emptyReadings(): Readings {
  return Object.fromEntries(
    collectors.map(({ name }) => [name, emptyReading()]),
  ) as unknown as Readings;
}

/** Returns a copy that later readings do not change. */
export function copyReadings(readings: Readings): Readings {
  return Object.fromEntries(
    Object.entries(readings).map(([name, reading]) => [name, { ...reading }]),
  ) as unknown as Readings;
}

/**
 * Returns the value while it is fresh; undefined once it is older than `maxAgeMs` or the last query failed. An old value
 * says nothing about the present, and unknown is not healthy.
 */
export function freshValue<T>(reading: Reading<T>, now: number, maxAgeMs: number): T | undefined {
  if (reading.error !== undefined) return undefined;
  return reading.at !== undefined && Math.abs(now - reading.at) <= maxAgeMs
    ? reading.value
    : undefined;
}
