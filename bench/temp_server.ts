import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Target } from "../db/connection.ts";
import { createEmbeddedServer } from "../db/embedded/server.ts";
import { createLogger } from "../log.ts";

export interface TempServer {
  /** As the server's superuser: studies change what no other role may. */
  target: Target & { kind: "socket" };
  stop(): Promise<void>;
  /** Stops without waiting on promises, for the end of a process. */
  stopNow(): void;
}

/** An embedded Postgres in a new temporary folder, which goes with it. Says nothing on stdout. */
export async function startTempServer(): Promise<TempServer> {
  const directory = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  await Deno.chmod(directory, 0o755); // Postgres may run as another user than we do
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
      // SIGQUIT is the immediate shutdown (manual, "Shutting Down the Server"): the data is thrown away anyway.
      Deno.kill(postmaster, "SIGQUIT");
      const tick = new Int32Array(new SharedArrayBuffer(4));
      for (let wait = 0; wait < 100 && exists(file); wait++) Atomics.wait(tick, 0, 0, 50);
      Deno.removeSync(directory, { recursive: true });
    },
  };
}

/** The address of a temporary server as a DATABASE_URL. */
export function urlOf({ directory, port, user, database, passwordFile }: TempServer["target"]) {
  const place = new URLSearchParams({ host: directory, port: String(port) });
  if (passwordFile !== undefined) place.set("passfile", passwordFile);
  return `postgres://${user}@localhost/${database}?${place}`;
}

/** Lets `work` have the server at `url`, or without one a temporary server that goes with it. */
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
