/** Signals that come this close together are one request. */
export const SAME_REQUEST_MS = 1000;

/**
 * What each stop signal means: the first stops in order, one that comes later than `SAME_REQUEST_MS` after it ends the
 * process at once, and once only. One request often comes twice: Ctrl-C reaches every process of the terminal, and `deno task` (like
 * npm and most wrappers) passes on what it got itself.
 */
export function createStopSignals(
  { stop, end, now }: { stop: (signal: string) => void; end: () => void; now: () => number },
): (signal: string) => void {
  let first: number | null = null;
  let ending = false;
  return (signal) => {
    if (first === null) {
      first = now();
      stop(signal);
    } else if (now() - first > SAME_REQUEST_MS && !ending) {
      ending = true;
      end();
    }
  };
}
