import { randomUUID } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** A lock this old was left by a process that ended inside; what is done under one takes milliseconds. */
const staleMs = 10_000;
const waitMs = 20_000;
const pollMs = 20;

async function take(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
    return false;
  }
}

async function dropIfStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found && Date.now() - found.mtimeMs > staleMs) await rm(path, { force: true });
}

/** Removes the lock, unless it was so old that another process took it over. */
async function release(path: string, owner: string): Promise<void> {
  const holder = await readFile(path, "utf8").catch(() => "");
  if (holder === owner) await rm(path, { force: true });
}

/** Runs short work while no other process runs any under the same path; the file at the path is the lock. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const owner = randomUUID();
  const started = performance.now();
  while (!await take(path, owner)) {
    if (performance.now() - started > waitMs) {
      throw new Error(`${path} is held by another process; remove it if there is none`);
    }
    await dropIfStale(path);
    await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    await release(path, owner);
  }
}
