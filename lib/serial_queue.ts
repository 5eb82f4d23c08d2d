export interface SerialQueue {
  /** Runs `job` after all jobs queued before it; resolves or rejects as the job does. */
  run<T>(job: () => Promise<T>): Promise<T>;
  /** Waits for the jobs queued so far; never rejects. */
  idle(): Promise<void>;
}

/** Makes a queue that runs one job at a time, in the order of the calls. A job that fails does not stop the next. */
export function createSerialQueue(): SerialQueue {
  let last: Promise<void> = Promise.resolve();
  return {
    run(job) {
      const result = last.then(job);
      last = result.then(() => {}, () => {});
      return result;
    },
    idle: () => last,
  };
}
