import { AsyncLocalStorage } from "node:async_hooks";

/** Knows for which request the present code works, so that its statements end with it. */
export interface RequestScope {
  /** Runs `work` for the request of `signal`, which aborts when its client leaves. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** The signal of the present request; undefined outside one, and once it has been answered. */
  signal(): AbortSignal | undefined;
}

export function createRequestScope(): RequestScope {
  const storage = new AsyncLocalStorage<{ signal: AbortSignal | undefined }>();
  return {
    async run(signal, work) {
      const held: { signal: AbortSignal | undefined } = { signal };
      try {
        return await storage.run(held, work);
      } finally {
        held.signal = undefined; // what was begun here and goes on is nobody's
      }
    },
    signal: () => storage.getStore()?.signal,
  };
}
