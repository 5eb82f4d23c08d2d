/**
 * Returns a function that runs `job` unless it runs already: a call during a run gets the promise of that run. The next call
 * after the end, whether it succeeded or failed, runs it again.
 */
export function createSingleFlight<T>(job: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= job().finally(() => running = undefined);
    return running;
  };
}
