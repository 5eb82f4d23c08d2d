import assert from "node:assert/strict";
import { join } from "node:path";
import type { BackupRecord } from "../../services/backups/record.ts";
import type { Backup, BackupHealth } from "../../services/backups/report.ts";
import { createBackupRepository } from "../../services/backups/repository.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectTo } from "../helpers/load.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

async function take(): Promise<Backup> {
  const answer = await app.request("/api/backups", { method: "POST" });
  const begun: Backup = await answer.json();
  assert.equal(answer.status, 202, JSON.stringify(begun));
  assert.equal(answer.headers.get("location"), `/api/backups/${begun.id}`);
  await app.holdfast.backups.idle();
  return await app.json<Backup>(`/api/backups/${begun.id}`);
}

async function verify(id: string): Promise<Backup> {
  const answer = await app.request(`/api/backups/${id}/verify`, { method: "POST" });
  assert.ok(answer.ok, String(answer.status));
  await answer.body?.cancel();
  await app.holdfast.backups.idle();
  return await app.json<Backup>(`/api/backups/${id}`);
}

const health = async () =>
  (await app.json<{ backups: BackupHealth }>("/api/health/database")).backups;

/** Sends rows without pause until told to stop. */
function ingest() {
  let go = true;
  let sent = 0;
  const done = (async () => {
    while (go) {
      const ts = new Date().toISOString();
      const answer = await app.post(
        "/api/ticks?create=true",
        Array.from(
          { length: 200 },
          (_, at) => ({ ts, symbol: `S${at % 5}`, price: at + 1, size: 1 }),
        ),
      );
      assert.equal(answer.status, 200);
      sent += (await answer.json()).accepted;
    }
  })();
  return {
    sent: () => sent,
    async stop() {
      go = false;
      await done;
      return sent;
    },
  };
}

Deno.test("a backup under ingest is complete, and its drill finds the rows of its end", async () => {
  const load = ingest();
  await eventually(() => load.sent() > 0, "rows are there before its end");
  const backup = await take();
  assert.deepEqual(backup.problems, []);
  assert.equal(backup.status, "complete");
  assert.equal(backup.proven_at, null);
  assert.ok(backup.bytes > 0 && backup.bytes < backup.raw_bytes);
  // The load has gone on past the backup's end: what came then is not in it.
  const sent = await load.stop();
  const after = await app.post(
    "/api/ticks",
    [{ ts: new Date().toISOString(), symbol: "S0", price: 1, size: 1 }],
  );
  assert.equal(after.status, 200, await after.text());
  const proven = await verify(backup.id);
  assert.deepEqual(proven.problems, []);
  assert.ok(proven.proven_at);
  assert.ok((proven.recovery_seconds ?? 0) > 0);
  const notes = proven.notes.join("\n");
  const [, rows = "", compared = ""] =
    /^(\d+) rows in \d+ partitions, (\d+) compared$/m.exec(notes) ?? [];
  assert.ok(Number(rows) > 0 && Number(rows) < sent + 1, `${rows} of ${sent}: ${notes}`);
  assert.ok(Number(compared) > 0, notes);
  assert.doesNotMatch(notes, /changed or deleted/);
  assert.match(notes, /amcheck: \d\d+ tables and \d\d+ indexes$/m);
  const report = await health();
  assert.equal(report.last_proven_restore_at, proven.proven_at);
  assert.equal(report.recovery_seconds, proven.recovery_seconds);
  assert.deepEqual(report.problems, []);
  const metrics = await (await app.request("/metrics")).text();
  assert.match(metrics, /^holdfast_backups\{state="proven"\} 1$/m);
  assert.match(metrics, /^holdfast_backup_recovery_seconds \d/m);
});

/** It starts an archiver again ten seconds after the last one at the earliest, when something wakes it. */
async function wakePostmaster(): Promise<void> {
  const sql = connectTo(app.config.HOLDFAST_DATA_DIR);
  await sql`select 1`;
  await sql.end();
}

Deno.test("WAL is archived from the first backup on, and its lag is measured", async () => {
  await app.admin`select pg_switch_wal()`;
  await eventually(
    async () => {
      await app.holdfast.backups.everyMinute();
      await wakePostmaster();
      const [row] = await app
        .sql`select archived_count::int as n, failed_count::int as f from pg_stat_archiver`;
      const system = [...Deno.readDirSync(join(app.config.HOLDFAST_DATA_DIR, "backups"))][0]
        ?.name;
      const wal = join(app.config.HOLDFAST_DATA_DIR, "backups", system ?? "", "wal");
      assert.equal(row?.f, 0);
      return [...Deno.readDirSync(wal)].length > 0;
    },
    "a segment is in the archive",
    30_000,
  );
  const report = await health();
  assert.equal(report.archive_enabled, true);
  assert.equal(typeof report.archive_lag_seconds, "number");
});

Deno.test("a damaged backup is named, raises an alert, and counts as corrupt", async () => {
  const { backups } = await app.json<{ backups: Backup[] }>("/api/backups");
  const [backup] = backups;
  const root = join(app.config.HOLDFAST_DATA_DIR, "backups");
  const [system] = [...Deno.readDirSync(root)];
  const file = join(root, system?.name ?? "", backup?.id ?? "", "base.tar.gz");
  const bytes = await Deno.readFile(file);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  await Deno.writeFile(file, bytes);
  const found = await verify(backup?.id ?? "");
  assert.equal(found.status, "corrupt");
  assert.equal(found.proven_at, null);
  assert.match(found.problems[0] ?? "", /^base\.tar\.gz is damaged/);
  await eventually(async () => {
    await app.holdfast.monitor.checkNow();
    const { alerts } = await app.json<{ alerts: { rule: string }[] }>("/api/alerts?state=firing");
    return alerts.some(({ rule }) => rule === "backup_problems");
  }, "the rule backup_problems fires");
});

Deno.test("a running backup can be aborted, only one runs at a time, and ids are validated", async () => {
  const { id } = await app.holdfast.backups.start();
  const second = await app.request("/api/backups", { method: "POST" });
  assert.equal(second.status, 409);
  assert.equal((await second.json()).code, "backup_running");
  const gone = await app.request(`/api/backups/${id}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  const aborted = await app.json<Backup>(`/api/backups/${id}`);
  assert.deepEqual([aborted.status, aborted.problems], ["failed", ["It was aborted"]]);
  for (const [path, status] of [["20260131T093000Z-abcdef", 404], ["..%2f..", 400]] as const) {
    const answer = await app.request(`/api/backups/${path}`);
    assert.equal(answer.status, status, await answer.text());
  }
});

Deno.test("a backup that is being checked is removed once its check has ended", async () => {
  const { id } = await take();
  await app.holdfast.backups.verify(id, { restore: true, waitMs: 0 });
  const gone = await app.request(`/api/backups/${id}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  assert.equal((await app.request(`/api/backups/${id}`)).status, 404);
});

Deno.test("backups that another instance took are counted at the next minute", async () => {
  const { backups } = await health();
  const store = createBackupRepository(join(app.config.HOLDFAST_DATA_DIR, "backups"));
  const [record] = await store.list();
  assert.ok(record);
  const other: BackupRecord = { ...record, id: "20260131T093000Z-abcdef", status: "complete" };
  await store.begin(other);
  await store.publish({ ...other, files: {} });
  await app.holdfast.backups.everyMinute();
  assert.equal((await health()).backups, backups + 1);
});
