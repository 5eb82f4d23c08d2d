import { serveHttp } from "./http/serve.ts";
import { type FileLock, type Runtime, stopSignals } from "./types.ts";

async function lockFile(path: string, owner: string): Promise<FileLock | { heldBy: string }> {
  const file = await Deno.open(path, { create: true, read: true, write: true });
  if (!await file.tryLock(true)) {
    file.close();
    return { heldBy: (await Deno.readTextFile(path)).trim() };
  }
  await file.truncate(0);
  await file.write(new TextEncoder().encode(owner)).catch((error) => {
    // The lock counts; the name of its owner is optional, and cannot be written on a full disk.
    if (error.code !== "ENOSPC") throw error;
  });
  return {
    release: async () => {
      await file.truncate(0);
      await file.unlock();
      file.close();
    },
  };
}

/** Deno's side of what differs between runtimes. */
export function createDenoRuntime(): Runtime {
  return {
    name: "deno",
    env: () => Deno.env.toObject(),
    args: () => Deno.args,
    serve: serveHttp,
    cron(name, schedule, signal, job) {
      // A cron promise settles when the signal aborts; its errors are the job's to log.
      Deno.cron(name, schedule, { signal }, job).catch(() => {});
    },
    onStopSignal(handler) {
      const listeners = stopSignals.map((signal) => ({ signal, on: () => handler(signal) }));
      for (const { signal, on } of listeners) Deno.addSignalListener(signal, on);
      return () => {
        for (const { signal, on } of listeners) Deno.removeSignalListener(signal, on);
      };
    },
    lockFile,
    exit: (code) => Deno.exit(code),
    memory: () => {
      const { rss, heapUsed } = Deno.memoryUsage();
      return { rss_bytes: rss, heap_used_bytes: heapUsed };
    },
  };
}
