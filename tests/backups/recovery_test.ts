import assert from "node:assert/strict";
import { join } from "node:path";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { nextTransaction } from "../../db/backups/checks.ts";
import { readTimeline, readTimelineHistory } from "../../db/backups/timeline.ts";
import { createLogger } from "../../log.ts";
import type { Backup } from "../../services/backups/report.ts";
import { compareRows } from "../../services/backups/verify/rows.ts";
import { whyAbandoned } from "../../services/backups/verify/branch.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { startProcess } from "../helpers/process.ts";

const log = createLogger({ level: "error", write: () => {} });
let app: TestApp;
let folder = "";

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-restore-" });
  await Deno.chmod(folder, 0o755);
  app = await startApp({ HOLDFAST_BACKUP_DIR: join(folder, "backups") });
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(folder, { recursive: true });
});

/** `deno task restore` with these arguments, as a process of its own. */
async function restore(...args: string[]) {
  const child = startProcess({
    env: {
      HOLDFAST_DATA_DIR: app.config.HOLDFAST_DATA_DIR,
      HOLDFAST_BACKUP_DIR: join(folder, "backups"),
    },
    args: ["restore", ...args],
  });
  const code = await child.exited;
  return { code, output: child.output(), errors: child.errors() };
}

async function onTarget<T>(target: Target, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function inRestored<T>(
  dir: string,
  work: (sql: Sql, target: Target) => Promise<T>,
): Promise<T> {
  const server = await createEmbeddedServer({ dataDir: dir, log });
  await server.start();
  try {
    return await onTarget(server.target, (sql) => work(sql, server.target));
  } finally {
    await server.stop();
  }
}

async function countFills(sql: Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as n from public.fills`;
  return row?.n;
}

/** Uses `times` transaction ids up. */
async function useTransactions(sql: Sql, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await sql`select pg_current_xact_id()`;
}

const now = async (): Promise<string> => {
  const [row] = await app.sql`select clock_timestamp() as at`;
  return row?.at.toISOString();
};

Deno.test("1,000 deleted rows are there at the moment before, and gone at the moment after", async (t) => {
  await app.sql`create table public.fills as select g as id from generate_series(1, 500) as g`;
  await app.holdfast.backups.start();
  await app.holdfast.backups.idle();
  await app.sql`insert into public.fills select g from generate_series(501, 1500) as g`;
  await new Promise((done) => setTimeout(done, 20));
  const before = await now();
  await new Promise((done) => setTimeout(done, 20));
  const first = await nextTransaction(app.sql);
  await app.sql`delete from public.fills where id > 500`;
  await new Promise((done) => setTimeout(done, 20));
  const after = await now();

  await t.step("before: through the archive and the living server's own WAL", async () => {
    await app.admin`select pg_switch_wal()`;
    await app.holdfast.backups.everyMinute();
    const { code, output, errors } = await restore(
      "--to",
      join(folder, "before"),
      "--time",
      before,
    );
    assert.equal(code, 0, output + errors);
    assert.match(
      output,
      /verifying backup[\s\S]*unpacking[\s\S]*gathered \d+ WAL files[\s\S]*recovering to/,
    );
    assert.equal(await inRestored(join(folder, "before"), countFills), 1500);
  });
  await t.step("after: nothing was committed since, so all there is counts", async () => {
    const { code, output, errors } = await restore("--to", join(folder, "after"), "--time", after);
    assert.equal(code, 0, output + errors);
    assert.equal(await inRestored(join(folder, "after"), countFills), 500);
  });
  await t.step(
    "a backup of what the restore left is not compared with what came since",
    async () => {
      await useTransactions(app.sql, 50);
      const { backups: [backup] } = await app.json<{ backups: Backup[] }>("/api/backups");
      await inRestored(join(folder, "before"), async (sql, target) => {
        const timelines = {
          present: () => readTimeline(sql),
          history: (timeline: number) =>
            readTimelineHistory(target, timeline, AbortSignal.timeout(300_000)),
        };
        const own = { timeline: backup?.timeline ?? 0, end_lsn: backup?.end_lsn ?? "" };
        assert.equal(await whyAbandoned(own, timelines), undefined, "the restore came from it");
        const abandoned = await whyAbandoned({ ...own, end_lsn: "F/0" }, timelines);
        assert.equal(
          abandoned,
          "the backup is of an abandoned timeline (1); the server is on timeline 2, which left it before the backup's end, as a restore to a point in time does",
        );
        for (let n = 0; n < 20; n++) {
          await sql`insert into market.ticks (ts, price, size, instrument_id) values (now(), 1, 1, 1)`;
        }
        const compare = (why: string | undefined) =>
          compareRows({
            restored: app.sql,
            production: (work) => work(sql),
            abandoned: why,
            firstXid: String(first),
            deadline: Infinity,
          });
        // These transactions have ids that others had before the restore.
        assert.match((await compare(undefined)).problems.join(), /has 0 rows, the server had/);
        const { problems, notes } = await compare(abandoned);
        assert.deepEqual(problems, []);
        assert.match(notes.join(), /not compared: the backup is of an abandoned timeline/);
      });
    },
  );
  await t.step(
    "never over anything that is there, nor to a time before the first backup",
    async () => {
      const over = await restore("--to", app.config.HOLDFAST_DATA_DIR);
      assert.equal(over.code, 1);
      assert.match(over.errors, /is not empty; a restore never writes over anything/);
      const early = await restore("--to", join(folder, "early"), "--time", "2001-01-01T00:00:00Z");
      assert.equal(early.code, 1);
      assert.match(early.errors, /No whole backup had ended by 2001-01-01/);
      const wrong = await restore("--to", join(folder, "early"), "--time", "yesterday");
      assert.match(wrong.errors, /--time is "yesterday"; it must be an RFC 3339 time/);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
        "after",
        "backups",
        "before",
      ]);
    },
  );
});
