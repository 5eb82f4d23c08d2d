/** What a collector last said: its rows, or why there are none. Times are milliseconds since 1970. */
export interface Reading<T> {
  value: T | undefined;
  /** When `value` was read. */
  at: number | undefined;
  error: string | undefined;
  errorAt: number | undefined;
  durationMs: number | undefined;
}

export function emptyReading<T>(): Reading<T> {
  return {
    value: undefined,
    at: undefined,
    error: undefined,
    errorAt: undefined,
    durationMs: undefined,
  };
}

/** The value while it is fresh; undefined once it is older than `maxAgeMs`: stale is unknown, not healthy. */
export function freshValue<T>(reading: Reading<T>, now: number, maxAgeMs: number): T | undefined {
  return reading.at !== undefined && now - reading.at <= maxAgeMs ? reading.value : undefined;
}
