import { fullBudget, type TierBudget } from "./budget.ts";

/** What a collector last said: its rows, or why there are none. Times are milliseconds since 1970. */
export interface Reading<T> {
  value: T | undefined;
  /** When `value` was read. */
  at: number | undefined;
  error: string | undefined;
  errorAt: number | undefined;
  /** Whether the last question found no connection of our own in time: the server was not asked, and refused nothing. */
  unasked: boolean;
  /** What the server refused the last question with that it answered; a question it never got leaves this as it was. */
  refusal: { error: string; at: number } | undefined;
  /** What the last question cost, measured from here once it had a connection. */
  durationMs: number | undefined;
  /** Why this server cannot be asked; its values stay unknown, and nothing is wrong. */
  missing: string | undefined;
  budget: TierBudget;
}

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

/**
 * The value while it is fresh; undefined once it is older than `maxAgeMs` or the last question failed: what was read
 * before says nothing of now, and unknown is not healthy.
 */
export function freshValue<T>(reading: Reading<T>, now: number, maxAgeMs: number): T | undefined {
  if (reading.error !== undefined) return undefined;
  return reading.at !== undefined && Math.abs(now - reading.at) <= maxAgeMs
    ? reading.value
    : undefined;
}
