import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import type { Backup, BackupHealth } from "../../services/backups/report.ts";
import { parseLsn, segmentOf } from "../../services/backups/wal/segments.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectTo } from "../helpers/load.ts";
import { freePort, startProcess } from "../helpers/process.ts";
import { startStorage, type TestStorage } from "../helpers/storage.ts";
import { fillDataDir } from "../helpers/template.ts";

let app: TestApp;
let storage: TestStorage;
let folder = "";
let now = Date.now();

Deno.test.beforeAll(async () => {
  storage = startStorage();
  folder = await Deno.makeTempDir({ prefix: "holdfast-copies-" });
  await Deno.chmod(folder, 0o755);
  app = await startApp(
    {
      HOLDFAST_BACKUP_DIR: join(folder, "backups"),
      HOLDFAST_BACKUP_HOURS: "0",
      HOLDFAST_BACKUP_KEEP: "1",
      ...storage.env,
    },
    { clock: { now: () => new Date(now) } },
  );
});
Deno.test.afterAll(async () => {
  await app.stop();
  await storage.stop();
  await Deno.remove(folder, { recursive: true });
});

/** Takes a backup, and waits until nothing is copied any more. */
async function take(): Promise<Backup> {
  now += 1_000;
  const { id } = await app.holdfast.backups.start();
  await app.holdfast.backups.idle();
  return await get(id);
}

const get = (id: string) => app.json<Backup>(`/api/backups/${id}`);

/** One minute goes by. */
async function turn(): Promise<void> {
  now += 60_000;
  await app.holdfast.backups.everyMinute();
  await app.holdfast.backups.idle();
}

async function verify(id: string, restore: boolean): Promise<Backup> {
  const answer = await app.post(`/api/backups/${id}/verify`, { restore });
  assert.ok(answer.ok, await answer.clone().text());
  await answer.body?.cancel();
  await app.holdfast.backups.idle();
  return await get(id);
}

const health = async () =>
  (await app.json<{ backups: BackupHealth }>("/api/health/database")).backups;

const systemOf = () => readdirSync(join(folder, "backups"))[0] ?? "";

/** Every file below a directory of backups, by the key its copy has. */
function filesHere(below: string): Map<string, Uint8Array> {
  const root = join(folder, "backups", systemOf(), below);
  return new Map(
    readdirSync(root).map((name) => [
      `${storage.place.prefix}${systemOf()}/${below}/${name}`,
      new Uint8Array(readFileSync(join(root, name))),
    ]),
  );
}

function assertCopied(below: string, isMeant: (name: string) => boolean = () => true): void {
  const files = [...filesHere(below)].filter(([key]) => isMeant(key.split("/").at(-1) ?? ""));
  assert.ok(files.length > 0);
  for (const [key, bytes] of files) {
    const copied = storage.objects.get(key)?.bytes;
    assert.ok(copied && Buffer.compare(copied, bytes) === 0, key);
  }
}

/** The segment that the oldest backup here begins with. */
async function firstNeeded(): Promise<string> {
  const { backups } = await app.json<{ backups: Backup[] }>("/api/backups");
  const { timeline, start_lsn } = backups.at(-1) ?? {};
  return segmentOf(timeline ?? 1, parseLsn(start_lsn ?? ""), 16 * 1024 * 1024);
}

async function assertWalCopied(): Promise<void> {
  const first = await firstNeeded();
  assertCopied("wal", (name) => name >= first);
}

/** Finishes a segment with rows in it, and waits until it is in the archive, and copied. */
async function archiveWal(): Promise<void> {
  const wal = join(folder, "backups", systemOf(), "wal");
  await app.sql`create table if not exists public.fills (id int)`;
  await app.sql`insert into public.fills select generate_series(1, 100)`;
  const [row] = await app.admin`select pg_walfile_name(pg_switch_wal()) as segment`;
  const segment: string = row?.segment;
  await eventually(
    async () => {
      const sql = connectTo(app.config.HOLDFAST_DATA_DIR);
      await sql`select 1`;
      await sql.end();
      await turn();
      return existsSync(wal) && readdirSync(wal).some((name) => name.startsWith(segment));
    },
    `segment ${segment} is in the archive`,
    30_000,
  );
  await turn();
}

Deno.test("a backup and its WAL are copied byte for byte, the record last, and that is shown", async () => {
  const { id, copy } = await take();
  assert.deepEqual([copy.state, copy.problem], ["done", null]);
  assertCopied(id);
  const puts = storage.asked.filter(({ method, key }) => method === "PUT" && key.includes(id));
  assert.match(puts.at(-1)?.key ?? "", /backup\.json$/);
  await archiveWal();
  await assertWalCopied();
  const wal = storage.asked.filter(({ method, key }) => method === "PUT" && key.includes("/wal/"))
    .map(({ key }) => key);
  assert.deepEqual(wal, [...wal].sort(), "in order");
  const report = await health();
  assert.deepEqual(
    [report.copy_enabled, report.copies, report.copy_lag_seconds, report.copy_problem],
    [true, 1, 0, null],
  );
  assert.ok(report.copied_bytes > 1_000_000 && report.copy_failures === 0);
  const metrics = await (await app.request("/metrics")).text();
  assert.match(metrics, /^holdfast_backup_copies 1$/m);
  assert.match(metrics, /^holdfast_backup_copy_failures_total 0$/m);
});

Deno.test("what a trial found goes to the copy's record, too", async () => {
  const { backups } = await app.json<{ backups: Backup[] }>("/api/backups");
  const id = backups[0]?.id ?? "";
  const proven = await verify(id, true);
  assert.ok(proven.proven_at, proven.problems.join("; "));
  assert.equal(proven.copy.state, "done");
  assertCopied(id);
});

Deno.test("with a wrong secret the backup here stands, and the copy says why; then it is made up for", async () => {
  storage.setSecret("changed in the meantime");
  const taken = await take();
  assert.deepEqual([taken.status, taken.problems], ["complete", []]);
  assert.equal(taken.copy.state, "failed");
  assert.match(taken.copy.problem ?? "", /the secret access key is another/);
  await archiveWal();
  const report = await health();
  assert.match(report.copy_problem ?? "", /SignatureDoesNotMatch/);
  assert.ok((report.copy_lag_seconds ?? 0) > 0, "WAL waits, and that is known");
  const overall = await app.json<{ checks: { name: string; status: string; detail: string }[] }>(
    "/api/health",
  );
  const check = overall.checks.find(({ name }) => name === "backups");
  assert.equal(check?.status, "degraded");
  assert.match(check?.detail ?? "", /^not copied: /);
  assert.doesNotMatch(JSON.stringify(app.logs), /with\+signs|AKID/);
  storage.setSecret(storage.env.HOLDFAST_S3_SECRET_ACCESS_KEY);
  now += 30 * 60_000;
  await turn();
  await turn();
  const { copy } = await get(taken.id);
  assert.deepEqual([copy.state, copy.problem], ["done", null]);
  assert.equal((await health()).copy_problem, null);
});

Deno.test("a storage that dies in the middle leaves nothing whole; a later turn completes it", async () => {
  let dead = false;
  storage.meddle(({ method, key }) => {
    dead ||= method === "PUT" && key.endsWith("backup_manifest");
    return dead ? new Response(null, { status: 500 }) : undefined;
  });
  const taken = await take();
  assert.deepEqual([taken.status, taken.copy.state], ["complete", "failed"]);
  assert.match(taken.copy.problem ?? "", /backup_manifest: 500/);
  assert.deepEqual(storage.find(`${taken.id}/backup.json`), []);
  assert.equal(storage.find(`${taken.id}/base.tar.gz`).length, 1);
  storage.heal();
  storage.asked.splice(0);
  await turn();
  await turn();
  assert.equal((await get(taken.id)).copy.state, "done");
  assertCopied(taken.id);
  assert.ok(
    !storage.asked.some(({ method, key }) => method === "PUT" && key.endsWith("base.tar.gz")),
    "what had arrived is not sent again",
  );
});

Deno.test("verify reads the copy back and names what differs; what is whole here is copied anew", async () => {
  const [backup] = (await app.json<{ backups: Backup[] }>("/api/backups")).backups;
  const id = backup?.id ?? "";
  const [key = ""] = storage.find(`${id}/base.tar.gz`);
  storage.flip(key, 1_000);
  const found = await verify(id, false);
  assert.equal(found.status, "complete");
  assert.deepEqual([found.copy.state, found.copy.problem], [
    "failed",
    "base.tar.gz of the copy is damaged: its SHA-256 is another",
  ]);
  const line = app.logs.find(({ event }) => event === "copy_damaged");
  assert.deepEqual(line?.problems, ["base.tar.gz of the copy is damaged: its SHA-256 is another"]);
  assert.deepEqual(storage.find(`${id}/backup.json`), [], "it looks whole no more");
  await turn();
  assertCopied(id);
  assert.equal((await get(id)).copy.state, "done");
  await archiveWal();
  const [segment = ""] = storage.find(".gz").filter((key) => key.includes("/wal/")).slice(-1);
  storage.flip(segment, 200);
  const { copy } = await verify(id, false);
  assert.match(copy.problem ?? "", /^WAL segment 0\w{23} of the copy is damaged$/);
  await turn();
  await assertWalCopied();
  assert.equal((await verify(id, false)).copy.state, "done");
});

/** `deno task restore --from s3` where there are only the settings. Answers what it said, and the rows of public.fills. */
async function restoreCopy(name: string, ...args: string[]) {
  const to = join(folder, name);
  const child = startProcess({
    env: { HOLDFAST_DATA_DIR: join(folder, "nothing"), ...storage.env },
    args: ["restore", "--to", to, "--from", "s3", ...args],
  });
  const code = await child.exited;
  const said = child.output() + child.errors();
  assert.equal(code, 0, said);
  const log = createLogger({ level: "error", write: () => {} });
  const server = await createEmbeddedServer({ dataDir: to, log });
  await server.start();
  const sql = connectTo(to);
  try {
    const [row] = await sql`select count(*)::int as n from public.fills`;
    return { said, rows: row?.n };
  } finally {
    await sql.end();
    await server.stop();
  }
}

Deno.test("where nothing but the settings is, --from s3 brings the rows back, as of a moment too", async () => {
  await new Promise((done) => setTimeout(done, 20));
  const [row] = await app
    .sql`select count(*)::int as n, clock_timestamp() as at from public.fills`;
  await new Promise((done) => setTimeout(done, 20));
  await archiveWal();
  const { said, rows } = await restoreCopy("restored");
  assert.equal(rows, row?.n + 100);
  assert.match(
    said,
    /looking for backups in 127\.0\.0\.1:\d+\/backups\/holdfast\/tests\nbackup .*\nfetching base\.tar\.gz.*\n[\s\S]*fetching \d+ WAL files[\s\S]*restored to/,
  );
  assert.doesNotMatch(said, /with\+signs|AKID/);
  const before = await restoreCopy("before", "--time", row?.at.toISOString());
  assert.equal(before.rows, row?.n);
  assert.deepEqual(
    readdirSync(folder).sort(),
    ["backups", "before", "restored"],
    "what was fetched is cleared away",
  );
});

Deno.test("the command waits for the copy of its backup and says how it went; so does the doctor", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-command-" });
  await Deno.chmod(dir, 0o755);
  await fillDataDir(dir);
  const other = startStorage();
  const run = async (...args: string[]) => {
    const env = { HOLDFAST_DATA_DIR: dir, PORT: String(freePort()), ...other.env };
    const child = startProcess({ env, args });
    return { code: await child.exited, said: child.output() };
  };
  try {
    const whole = await run("backup", "--no-drill");
    assert.equal(whole.code, 0, whole.said);
    assert.match(whole.said, /^copy done: 2\d{3}-/m);
    assert.equal(other.find("backup.json").length, 1);
    const well = await run("doctor");
    assert.equal(well.code, 0, well.said);
    assert.match(well.said, /✓ {2}it can be read; whole backups there: 1/);
    other.setSecret("changed in the meantime");
    const ill = await run("doctor");
    assert.equal(ill.code, 1, ill.said);
    assert.match(ill.said, /✗ {2}The storage refused .*the secret access key is another/);
    const failed = await run("backup", "--no-drill");
    assert.equal(failed.code, 1, failed.said);
    assert.match(failed.said, /MB {2}not proven.*\n?[^]*^copy failed: .*the secret access key is/m);
  } finally {
    await other.stop();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("retention takes the copies with it, and so does removal by hand", async () => {
  const { backups } = await app.json<{ backups: Backup[] }>("/api/backups");
  const taken = await take();
  await verify(taken.id, true);
  await turn();
  const left = (await app.json<{ backups: Backup[] }>("/api/backups")).backups;
  assert.deepEqual(left.map(({ id }) => id), [taken.id], "one proven one is kept");
  for (const { id } of backups) {
    assert.deepEqual(storage.find("").filter((k) => k.includes(id)), []);
  }
  assertCopied(taken.id);
  const first = await firstNeeded();
  for (const key of storage.find(".gz").filter((key) => key.includes("/wal/"))) {
    assert.ok((key.split("/").at(-1) ?? "") >= first, `${key} is needed by nobody`);
  }
  const gone = await app.request(`/api/backups/${taken.id}?force=true`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  await app.holdfast.backups.idle();
  assert.deepEqual(storage.find("backup.json"), []);
});
