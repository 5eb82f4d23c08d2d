/**
 * Returns a function that runs `job`, one run at a time: called during a run, it makes the job run once more. Its promise
 * resolves after a run that began after the call, and rejects with what a run throws.
 */
export function createRerun(job: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let again = false;
  return () => {
    again = true;
    running ??= (async () => {
      while (again) {
        again = false;
        await job();
      }
    })().finally(() => {
      again = false;
      running = undefined;
    });
    return running;
  };
}
