import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runAmcheck } from "../../db/backups/checks.ts";
import { connectSql } from "../../db/connection.ts";
import { collectSpool, sweepArchive, verifyArchive } from "../../services/backups/wal/archive.ts";
import { runDrill } from "../../services/backups/verify/drill.ts";
import { readManifest } from "../../services/backups/base/manifest.ts";
import { pageChecksum } from "../../services/backups/verify/pages.ts";
import { type BackupRecord, readRecord } from "../../services/backups/record.ts";
import { createBackupRepository } from "../../services/backups/repository.ts";
import { verifyFiles } from "../../services/backups/verify/files.ts";
import { segmentOf } from "../../services/backups/wal/segments.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
let record: BackupRecord;
let path = "";

Deno.test.beforeAll(async () => {
  app = await startApp();
  const { backups } = app.holdfast;
  await app
    .sql`create table public.things as select g as id, md5(g::text) as name from generate_series(1, 5000) as g`;
  await app.sql`create index on public.things (name)`;
  const { id } = await backups.start();
  await backups.idle();
  const store = createBackupRepository(join(app.config.HOLDFAST_DATA_DIR, "backups"));
  const found = (await store.list()).find((one) => one.id === id);
  assert.equal(found?.status, "complete", JSON.stringify(found?.problems));
  record = found!;
  path = store.pathOf(record);
});
Deno.test.afterAll(() => app.stop());

/** The files of the backup, copied, for one test to spoil. */
async function spoiled(spoil: (dir: string) => void): Promise<string[]> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-spoiled-" });
  try {
    for (const name of readdirSync(path)) copyFileSync(join(path, name), join(dir, name));
    spoil(dir);
    return await verifyFiles(dir, record);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = (bytes[place] ?? 0) ^ 0x10;
  Deno.writeFileSync(file, bytes);
}

Deno.test("an unchanged backup has no problems", async () => {
  assert.deepEqual(await spoiled(() => {}), []);
});

Deno.test("any single flipped byte of the archive is found", async () => {
  const { bytes } = record.files["base.tar.gz"]!;
  for (const at of [4, 9, Math.floor(bytes / 3), Math.floor(bytes / 2), bytes - 2]) {
    const problems = await spoiled((dir) => flip(join(dir, "base.tar.gz"), at));
    assert.match(problems[0] ?? "", /^base\.tar\.gz is damaged/, `byte ${at}`);
  }
});

Deno.test("a damaged manifest, a missing file and a truncated file are each named", async () => {
  assert.match(
    (await spoiled((dir) => flip(join(dir, "backup_manifest"), 5_000))).join("; "),
    /^backup_manifest is damaged/,
  );
  assert.deepEqual(await spoiled((dir) => Deno.removeSync(join(dir, "base.tar.gz"))), [
    "base.tar.gz is missing",
  ]);
  assert.deepEqual(await spoiled((dir) => Deno.removeSync(join(dir, "backup_manifest"))), [
    "backup_manifest is missing",
  ]);
  const short = await spoiled((dir) => Deno.truncateSync(join(dir, "base.tar.gz"), 100_000));
  assert.match(short[0] ?? "", /^base\.tar\.gz is truncated: 100000 of \d+ bytes$/);
});

Deno.test("manifest and record detect changes by their checksums", () => {
  const bytes = new Uint8Array(readFileSync(join(path, "backup_manifest")));
  assert.ok(readManifest(bytes).files.length > 900);
  bytes[200] = (bytes[200] ?? 0) ^ 1;
  assert.throws(() => readManifest(bytes), /its own checksum is wrong/);
  const text = readFileSync(join(path, "backup.json"), "utf8");
  assert.throws(
    () => readRecord(text.replace('"complete"', '"failed"')),
    /its own checksum is wrong/,
  );
});

/** A spool with three segments, and an archive beside it. */
async function withSegments(
  work: (places: { spool: string; archive: string; names: string[] }) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-wal-" });
  const [spool, archive] = [join(dir, "spool"), join(dir, "wal")];
  const names = [1, 2, 3].map((n) =>
    segmentOf(1, BigInt(n) * 16n * 1024n * 1024n, 16 * 1024 * 1024)
  );
  await Deno.mkdir(spool);
  for (const name of names) {
    await Deno.writeFile(join(spool, name), crypto.getRandomValues(new Uint8Array(50_000)));
  }
  try {
    await work({ spool, archive, names });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const checkSegments = (archive: string, first: string, last?: string) =>
  verifyArchive({ archive, spool: undefined, first, last, segmentBytes: 16 * 1024 * 1024 });

Deno.test("damaged and missing segments of the WAL archive are named", async () => {
  await withSegments(async ({ spool, archive, names }) => {
    const [first = "", middle = "", end = ""] = names;
    assert.deepEqual(await collectSpool(spool, archive), { moved: 3, problem: undefined });
    assert.deepEqual(readdirSync(spool), []);
    assert.deepEqual(await checkSegments(archive, first), []);
    assert.deepEqual(await checkSegments(archive, first, end), []);
    assert.deepEqual(await checkSegments(join(archive, "lost"), end, end), [
      `WAL segment ${end} is missing`,
    ]);
    const file = join(archive, readdirSync(archive).find((name) => name.startsWith(middle))!);
    flip(file, 30_000);
    const [problem = ""] = await checkSegments(archive, first);
    assert.match(problem, new RegExp(`^WAL segment ${middle} is damaged`));
    Deno.removeSync(file);
    assert.deepEqual(await checkSegments(archive, first), [`WAL segment ${middle} is missing`]);
  });
});

Deno.test("interrupted archiving is repeated, and other content under the same name is refused", async () => {
  await withSegments(async ({ spool, archive, names }) => {
    const [first = "", middle = ""] = names;
    const content = readFileSync(join(spool, middle));
    await collectSpool(spool, archive);
    Deno.writeFileSync(join(archive, `${first}.abc.gz.partial`), content);
    await sweepArchive(spool, archive);
    assert.equal(readdirSync(archive).length, 3, "what was half-done is gone");
    Deno.writeFileSync(join(spool, middle), content);
    assert.deepEqual(await collectSpool(spool, archive), { moved: 1, problem: undefined });
    assert.deepEqual(readdirSync(spool), []);
    Deno.writeFileSync(join(spool, middle), content.subarray(1));
    const { problem = "" } = await collectSpool(spool, archive);
    assert.match(problem, new RegExp(`${middle} is in the archive with other content`));
    assert.deepEqual(readdirSync(spool), [middle], "neither was touched");
    assert.deepEqual(await checkSegments(archive, first), []);
  });
});

/** The options of a drill in `home`. */
const drillIn = (home: string, onStep: (step: string) => void) => ({
  path,
  record,
  home,
  production: undefined,
  user: "postgres",
  database: record.database,
  now: () => new Date(),
  signal: new AbortController().signal,
  onStep,
});

Deno.test("a drill that runs out of disk says nothing of the backup", async () => {
  const home = await Deno.makeTempDir({ prefix: "holdfast-drill-" });
  await Deno.chmod(home, 0o755);
  try {
    const full = () => {
      throw new Error(
        'FATAL:  could not write to file "pg_wal/xlogtemp.7": No space left on device',
      );
    };
    await assert.rejects(() => runDrill(drillIn(home, full)), /ran out of disk or memory/);
    assert.deepEqual(readdirSync(home), []);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("an index whose extension this machine lacks is left out, and is no damage", async () => {
  const { admin } = app;
  await admin.unsafe(
    "create extension citext; create table public.words (word citext); create index on public.words (word)",
  );
  await admin`insert into public.words select g::text from generate_series(1, 100) as g`;
  await admin`update pg_proc set probin = '$libdir/missing' where probin = '$libdir/citext'`;
  const { target } = app.holdfast;
  assert.ok(target.kind === "socket");
  // A session that has loaded the library already keeps it.
  const fresh = connectSql({
    target: { ...target, user: "postgres" },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  try {
    const { problems, unloadable } = await runAmcheck(fresh, performance.now() + 60_000);
    assert.deepEqual([problems, unloadable], [[], 1]);
  } finally {
    await fresh.end();
  }
});

Deno.test("a damaged page of the restored cluster is named by file and page", async () => {
  const home = await Deno.makeTempDir({ prefix: "holdfast-drill-" });
  await Deno.chmod(home, 0o755);
  const [row] = await app.sql`select pg_relation_filepath('public.things') as path`;
  const file: string = row?.path;
  try {
    const proof = await runDrill(drillIn(home, (step) => {
      if (step !== "checking pages") return;
      flip(join(home, `drill-${record.system}`, "data", file), 8192 * 3 + 4_000);
    }));
    assert.deepEqual(proof.problems, [`${file} is damaged: page 3 fails its checksum`]);
    assert.deepEqual(readdirSync(home), [], "the scratch server is thrown away");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("a page's checksum depends on its block number and ignores its own field", () => {
  const page = new Uint8Array(8192).fill(7);
  const sum = pageChecksum(page, 5);
  assert.notEqual(pageChecksum(page, 6), sum);
  page[8] = 1;
  page[9] = 2;
  assert.equal(pageChecksum(page, 5), sum);
  page[8191] = 8;
  assert.notEqual(pageChecksum(page, 5), sum);
});
