import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Target } from "../db/connection.ts";
import { createEmbeddedServer } from "../db/embedded/server.ts";
import { createLogger } from "../log.ts";

export interface TempServer {
  /** Connects as superuser, because studies change server settings. */
  target: Target & { kind: "socket" };
  stop(): Promise<void>;
  /** Stops the server synchronously, for the end of a process. */
  stopNow(): void;
}

/** Starts an embedded Postgres in a new temporary folder, which is deleted with it. Prints nothing on stdout. */
export async function startTempServer(): Promise<TempServer> {
  const directory = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  await Deno.chmod(directory, 0o755); // Postgres may run as another user than this process
  const log = createLogger({ level: "warn", write: (line) => console.error(line) });
  const server = await createEmbeddedServer({ dataDir: directory, log });
  await server.start();
  return {
    target: server.admin,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
    stopNow() {
      const file = join(server.directory, "postmaster.pid");
      const postmaster = Number(Deno.readTextFileSync(file).split("\n")[0]);
      // SIGQUIT is the immediate shutdown (manual, "Shutting Down the Server"); the data is deleted anyway.
      Deno.kill(postmaster, "SIGQUIT");
      const tick = new Int32Array(new SharedArrayBuffer(4));
      for (let wait = 0; wait < 100 && exists(file); wait++) Atomics.wait(tick, 0, 0, 50);
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

/** Returns the address of a temporary server as a DATABASE_URL. */
export function urlOf({ directory, port, user, database, passwordFile }: TempServer["target"]) {
  const place = new URLSearchParams({ host: directory, port: String(port) });
  if (passwordFile !== undefined) place.set("passfile", passwordFile);
  return `postgres://${user}@localhost/${database}?${place}`;
}

/** Runs `work` with the server at `url`, or with a temporary server. */
export async function withServer<T>(
  url: string | undefined,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  if (url) return await work({ kind: "url", url });
  const server = await startTempServer();
  try {
    return await work(server.target);
  } finally {
    await server.stop();
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
