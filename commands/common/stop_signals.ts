/** Signals within this time count as one request; milliseconds. */
export const SAME_REQUEST_MS = 1000;

/**
 * Creates the handler of stop signals. The first one starts an orderly stop; one later than `SAME_REQUEST_MS` after it ends
 * the process at once. One request often arrives twice: Ctrl-C reaches every process of the terminal, and `deno task` (like
 * npm and most wrappers) forwards the signal that it received.
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
