/** A value that is made when it is first needed. */
export interface Lazy<T> {
  get(): T;
  /** Returns the value if it was made. */
  made(): T | undefined;
}

/** Returns the value of `make`, which runs at the first `get`. */
export function createLazy<T>(make: () => T): Lazy<T> {
  let value: { made: T } | undefined;
  return {
    get: () => (value ??= { made: make() }).made,
    made: () => value?.made,
  };
}
