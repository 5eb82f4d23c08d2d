import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Backup } from "../../services/backups/report.ts";
import { eventually } from "../helpers/eventually.ts";
import { createFleet, storeTick } from "../helpers/fleet.ts";
import { slowTests, testWith } from "../helpers/skip.ts";
import { postmastersOf, type ServeProcess, startProcess } from "../helpers/process.ts";

const { start, newDataDir, clear } = createFleet();

Deno.test.afterAll(clear);

const list = async ({ url }: ServeProcess): Promise<Backup[]> =>
  (await (await fetch(`${url}/api/backups`)).json()).backups;

const one = async ({ url }: ServeProcess, id: string): Promise<Backup> =>
  await (await fetch(`${url}/api/backups/${id}`)).json();

async function begin({ url }: ServeProcess): Promise<string> {
  const answer = await fetch(`${url}/api/backups`, { method: "POST" });
  const body = await answer.json();
  assert.equal(answer.status, 202, JSON.stringify(body));
  return body.id;
}

/** Names of everything that stands in the backups' directory, but for the WAL archive. */
function standing(dir: string): string[] {
  const root = join(dir, "backups");
  const [system] = existsSync(root) ? readdirSync(root) : [];
  return system ? readdirSync(join(root, system)).filter((name) => name !== "wal") : [];
}

async function killAt(holdfast: ServeProcess, reached: () => Promise<boolean>, what: string) {
  await eventually(reached, what, 30_000);
  holdfast.kill("SIGKILL");
  await holdfast.exited;
}

testWith(
  slowTests,
  "kill -9 in a backup, a drill or a restore leaves nothing that looks whole, and is cleared away",
  async (t) => {
    const dir = await newDataDir();
    let holdfast = start(dir, { HOLDFAST_BACKUP_RATE_MB: "3" });
    await holdfast.ready();
    await storeTick(holdfast.url);
    let id = "";

    await t.step("in the middle of a backup", async () => {
      id = await begin(holdfast);
      await killAt(
        holdfast,
        async () => ((await one(holdfast, id)).progress?.done_bytes ?? 0) > 5_000_000,
        "it is half-way",
      );
      const [left = "", ...more] = standing(dir);
      assert.match(left, new RegExp(`^${id}\\.[0-9a-f]{8}\\.partial$`));
      assert.deepEqual(more, []);
      holdfast = start(dir);
      await holdfast.ready();
      assert.deepEqual(standing(dir), []);
      assert.deepEqual(await list(holdfast), []);
      id = await begin(holdfast);
      const taken = await eventually(async () => {
        const backup = await one(holdfast, id);
        return backup.progress === null && backup;
      }, "the next one ends");
      assert.equal(taken.status, "complete");
    });

    await t.step("in the middle of a drill", async () => {
      const asked = fetch(`${holdfast.url}/api/backups/${id}/verify`, { method: "POST" })
        .then((answer) => answer.body?.cancel(), () => {});
      await killAt(
        holdfast,
        async () => (await one(holdfast, id)).progress?.step.includes("amcheck") === true,
        "the scratch server runs",
      );
      await asked;
      assert.equal((await postmastersOf(dir)).length, 2, "both servers outlive it");
      holdfast = start(dir);
      await holdfast.ready();
      assert.equal((await postmastersOf(dir)).length, 1, "the scratch server is gone");
      assert.deepEqual(readdirSync(dir).filter((name) => name.startsWith("drill")), []);
      const backup = await one(holdfast, id);
      assert.deepEqual([backup.status, backup.proven_at], ["complete", null]);
    });

    await t.step("in the middle of a restore", async () => {
      const to = join(dir, "restored");
      const run = () =>
        startProcess({ env: { HOLDFAST_DATA_DIR: dir }, args: ["restore", "--to", to] });
      const cut = run();
      await eventually(() => existsSync(`${to}.partial/postgres/base`), "it unpacks", 30_000);
      cut.kill("SIGKILL");
      await cut.exited;
      assert.equal(existsSync(to), false);
      const whole = run();
      assert.equal(await whole.exited, 0, whole.output() + whole.errors());
      assert.match(whole.output(), /which a restore that was cut short left behind/);
      assert.equal(existsSync(`${to}.partial`), false);
      assert.ok(existsSync(join(to, "postgres", "PG_VERSION")));
    });
    holdfast.interrupt();
    assert.equal(await holdfast.exited, 0, holdfast.errors());
  },
);
