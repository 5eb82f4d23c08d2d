import { Worker } from "node:worker_threads";

export interface ClientOptions {
  /** Path of the shared library. */
  libpq: string;
  conninfo: string;
  /** Rows a query reads. */
  span: number;
}

export type ToClient = { workForMs: number } | "close";
export type FromClient = Done | "ready" | "closed";

export interface Done {
  queries: number;
  elapsedMs: number;
}

export interface Clients {
  /** Lets all clients run one query after the other for `ms`. Returns the number of queries and their mean time. */
  work(ms: number): Promise<Done>;
  close(): Promise<void>;
}

/** Starts `count` clients over libpq, each in its own thread with its own connection. */
export async function openClients(
  count: number,
  { seed, ...options }: ClientOptions & { seed: number },
): Promise<Clients> {
  const workers = Array.from(
    { length: count },
    (_, number) =>
      new Worker(new URL("./worker.ts", import.meta.url), {
        workerData: { ...options, seed: seed * 100 + number },
      }),
  );
  const next = (worker: Worker) =>
    new Promise<FromClient>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    }).finally(() => worker.removeAllListeners("error"));
  const end = () => Promise.all(workers.map((worker) => worker.terminate()));
  /** Returns the next answer of each client after `message`; a failure ends all clients. */
  const answers = async (message?: ToClient) => {
    const coming = Promise.all(workers.map(next));
    if (message) { for (const worker of workers) worker.postMessage(message); }
    try {
      return await coming;
    } catch (error) {
      await end();
      throw error;
    }
  };
  await answers();
  return {
    async work(ms) {
      const done = (await answers({ workForMs: ms })).filter((answer) =>
        typeof answer === "object"
      );
      const sum = (of: (one: (typeof done)[number]) => number) =>
        done.reduce((total, one) => total + of(one), 0);
      return {
        queries: sum(({ queries }) => queries),
        elapsedMs: sum(({ elapsedMs }) => elapsedMs) / count,
      };
    },
    async close() {
      await answers("close");
      await end();
    },
  };
}
