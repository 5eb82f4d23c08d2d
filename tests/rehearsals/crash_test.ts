import assert from "node:assert/strict";
import type { Rehearsal } from "../../services/rehearsals/rehearsal.ts";
import { eventually } from "../helpers/eventually.ts";
import { connectTo } from "../helpers/load.ts";
import { plantTrades } from "../helpers/planted.ts";
import { freePort, startProcess } from "../helpers/process.ts";
import { slowTests, testWith } from "../helpers/skip.ts";

/** When Holdfast, or a copy's server, is killed. */
const moments: RegExp[] = [
  /^restoring unpacking/,
  /^restoring making the second/,
  /^warming/,
  /^baseline/,
  /^changing/,
  /^candidate/,
];

testWith(
  slowTests,
  "kill -9 in any state leaves no directory, process or slot after the next start",
  async (t) => {
    const dataDir = await Deno.makeTempDir({ prefix: "holdfast-rehearsal-" });
    await Deno.chmod(dataDir, 0o755);
    const port = freePort();
    const start = async () => {
      const child = startProcess({
        env: { HOLDFAST_DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: "info" },
      });
      await child.ready(120_000);
      return child;
    };
    let child = await start();
    const url = `http://127.0.0.1:${port}/api/rehearsals`;
    const newest = async () => {
      const { rehearsals } = await (await fetch(url)).json() as { rehearsals: Rehearsal[] };
      return rehearsals[0]!;
    };
    const copies = () =>
      [...Deno.readDirSync(dataDir)].map(({ name }) => name).filter((name) =>
        name.startsWith("rehearsal")
      );
    const servers = async () => {
      const { stdout } = await new Deno.Command("pgrep", { args: ["-f", `${dataDir}/rehearsal`] })
        .output();
      return new TextDecoder().decode(stdout).trim();
    };
    const begin = async () => {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          sql: "create index on app.trades (price, size); create index on app.trades (size, note)",
          workload: [{ sql: "select count(*) from app.trades where note = $1" }],
        }),
      });
      assert.equal(answer.status, 202, await answer.text());
    };
    const reach = async (moment: RegExp) => {
      await eventually(
        async () => {
          const { status, step } = await newest();
          return moment.test(`${status} ${step}`) || ["done", "failed"].includes(status);
        },
        String(moment),
        120_000,
      );
      return (await newest()).status;
    };
    try {
      const sql = connectTo(dataDir);
      await plantTrades(sql, 300_000);
      for (const moment of moments) {
        await t.step(`Holdfast, at ${moment.source}`, async () => {
          await begin();
          assert.notEqual(await reach(moment), "done");
          child.kill("SIGKILL");
          await child.exited;
          child = await start();
          await eventually(() => copies().length === 0, "the copies are removed", 30_000);
          await eventually(async () => await servers() === "", "the servers are gone", 30_000);
          const after = await newest();
          assert.equal(after.status, "aborted");
          assert.match(after.problems.join(), /Holdfast ended while/);
          assert.deepEqual([...await sql`select slot_name from pg_replication_slots`], []);
        });
      }
      for (const moment of moments.slice(2)) {
        await t.step(`a copy's server, at ${moment.source}`, async () => {
          await begin();
          assert.notEqual(await reach(moment), "done");
          const pid = (await servers()).split("\n")[0];
          if (pid) Deno.kill(Number(pid), "SIGKILL");
          await eventually(async () => (await newest()).finished_at !== null, "it ends", 120_000);
          await eventually(() => copies().length === 0, "the copies are removed", 30_000);
          await eventually(async () => await servers() === "", "the servers are gone", 30_000);
          if (pid) assert.notEqual((await newest()).status, "aborted");
        });
      }
      await sql.end({ timeout: 1 });
    } finally {
      child.kill("SIGTERM");
      await child.exited;
      await Deno.remove(dataDir, { recursive: true });
    }
  },
);
