import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { fillDataDir } from "./template.ts";
import { freePort, postmastersOf, type ServeProcess, startProcess } from "./process.ts";

/** The processes and folders of one test file, all of which `clear` ends and removes. */
export function createFleet() {
  const started: ServeProcess[] = [];
  const folders: string[] = [];

  /** An empty folder: a first start makes the cluster in it. */
  async function newFolder(mode = 0o755): Promise<string> {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-fleet-" });
    await Deno.chmod(folder, mode);
    folders.push(folder);
    return folder;
  }

  return {
    /** Starts a Holdfast on a data directory of its own, watching each second. */
    start(
      dir: string,
      env: Record<string, string> = {},
      options: { cwd?: string; user?: number } = {},
    ): ServeProcess {
      const app = startProcess({
        ...options,
        env: {
          HOLDFAST_DATA_DIR: dir,
          PORT: String(freePort()),
          HOLDFAST_FAST_TIER_SECONDS: "1",
          ...env,
        },
      });
      started.push(app);
      return app;
    },
    newFolder,
    /** A data directory whose cluster is there: a start takes half the time of a first one. */
    async newDataDir(): Promise<string> {
      const folder = await newFolder();
      await fillDataDir(folder);
      return folder;
    },
    /** Removes this folder too at the end. */
    adopt: (folder: string) => void folders.push(folder),
    async clear(): Promise<void> {
      for (const app of started) {
        try {
          app.kill("SIGKILL");
        } catch {
          // it has ended
        }
        await app.exited;
      }
      for (const folder of folders) {
        for (const { pid } of await postmastersOf(folder)) Deno.kill(pid, "SIGQUIT");
        await eventually(async () => (await postmastersOf(folder)).length === 0, "servers end");
        await Deno.remove(folder, { recursive: true });
      }
    },
  };
}

export async function storeTick(url: string): Promise<void> {
  const answer = await fetch(`${url}/api/ticks?create=true`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([
      { ts: new Date().toISOString(), symbol: "SPY", price: 170.5, size: 100, exchange: "P" },
    ]),
  });
  assert.deepEqual(await answer.json(), { accepted: 1, quarantined: 0, replayed: false });
}

export async function countTicks(url: string): Promise<number> {
  return (await (await fetch(`${url}/api/ticks?symbol=SPY`)).json()).ticks.length;
}

/** Nothing of a Holdfast that ended is left on its data directory. */
export async function assertGone(dir: string): Promise<void> {
  assert.deepEqual(await postmastersOf(dir), [], "no server is left");
  assert.equal(await Deno.readTextFile(`${dir}/holdfast.lock`), "", "the lock names nobody");
  await assert.rejects(Deno.stat(`${dir}/postgres/postmaster.pid`), Deno.errors.NotFound);
}
