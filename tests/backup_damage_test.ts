import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { verifyArchive } from "../services/backups/archive.ts";
import { runDrill } from "../services/backups/drill.ts";
import { readManifest } from "../services/backups/manifest.ts";
import { pageChecksum } from "../services/backups/pages.ts";
import { type BackupRecord, readRecord } from "../services/backups/record.ts";
import { createBackupStore } from "../services/backups/store.ts";
import { verifyBackup } from "../services/backups/verify.ts";
import { parseLsn, segmentOf } from "../services/backups/wal.ts";
import { type House, startHouse } from "./helpers/house.ts";

let house: House;
let record: BackupRecord;
let path = "";
let wal = "";
let first = "";

Deno.test.beforeAll(async () => {
  house = await startHouse();
  const { backups } = house.holdfast;
  await house
    .sql`create table public.things as select g as id, md5(g::text) as name from generate_series(1, 5000) as g`;
  await house.sql`create index on public.things (name)`;
  const { id } = await backups.start();
  await backups.idle();
  const store = createBackupStore(join(house.config.HOLDFAST_DATA_DIR, "backups"));
  const found = (await store.list()).find((one) => one.id === id);
  assert.equal(found?.status, "complete", JSON.stringify(found?.problems));
  record = found!;
  path = store.pathOf(record);
  wal = join(store.root, record.system, "wal");
  first = segmentOf(1, parseLsn(record.start_lsn!), record.segment_bytes);
  for (let n = 0; n < 3; n++) {
    await house.sql`select pg_logical_emit_message(true, 'test', 'x')`;
    await house.sql`select pg_switch_wal()`;
  }
  const until = performance.now() + 30_000;
  while (performance.now() < until) {
    await backups.everyMinute();
    try {
      if (readdirSync(wal).length >= 3) break;
    } catch { /* not there yet */ }
    await new Promise((done) => setTimeout(done, 200));
  }
});
Deno.test.afterAll(() => house.stop());

/** The files of the backup, copied, for one test to spoil. */
async function spoiled(spoil: (dir: string) => void): Promise<string[]> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-spoiled-" });
  try {
    for (const name of readdirSync(path)) copyFileSync(join(path, name), join(dir, name));
    spoil(dir);
    return await verifyBackup(dir, record);
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

Deno.test("a backup nobody touched has no problems", async () => {
  assert.deepEqual(await spoiled(() => {}), []);
  assert.deepEqual(
    await verifyArchive({
      archive: wal,
      spool: undefined,
      first,
      segmentBytes: record.segment_bytes,
    }),
    [],
  );
});

Deno.test("any single flipped byte of the archive is found, whichever it is", async () => {
  const { bytes } = record.files["base.tar.gz"]!;
  for (const at of [4, 9, Math.floor(bytes / 3), Math.floor(bytes / 2), bytes - 2]) {
    const problems = await spoiled((dir) => flip(join(dir, "base.tar.gz"), at));
    assert.match(problems[0] ?? "", /^base\.tar\.gz is damaged/, `byte ${at}`);
  }
});

Deno.test("a flipped byte of the manifest, a missing file, a truncated file: each is named", async () => {
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

Deno.test("the server's manifest and the record each know when they were changed", () => {
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

Deno.test("in the WAL archive a flipped byte and a missing segment are named", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-wal-" });
  const check = () =>
    verifyArchive({
      archive: dir,
      spool: undefined,
      first,
      segmentBytes: record.segment_bytes,
    });
  try {
    const names = readdirSync(wal).sort();
    assert.ok(names.length >= 3, `${names.length} segments`);
    for (const name of names) copyFileSync(join(wal, name), join(dir, name));
    const middle = names[1]!;
    const segment = middle.slice(0, 24);
    flip(join(dir, middle), 300);
    const [problem = ""] = await check();
    assert.match(problem, new RegExp(`^WAL segment ${segment} is damaged`));
    Deno.removeSync(join(dir, middle));
    assert.deepEqual(await check(), [`WAL segment ${segment} is missing`]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a page flipped inside the restored cluster is found, named by file and page", async () => {
  const home = await Deno.makeTempDir({ prefix: "holdfast-drill-" });
  await Deno.chmod(home, 0o755);
  const [row] = await house.sql`select pg_relation_filepath('public.things') as path`;
  const file: string = row?.path;
  try {
    const proof = await runDrill({
      path,
      record,
      home,
      living: undefined,
      user: "postgres",
      now: () => new Date(),
      signal: new AbortController().signal,
      beforePages: (data) => Promise.resolve(flip(join(data, file), 8192 * 3 + 4_000)),
    });
    assert.deepEqual(proof.problems, [`${file} is damaged: page 3 fails its checksum`]);
    assert.deepEqual(readdirSync(home), [], "the scratch server is thrown away");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("a page's checksum counts where the page stands, and not its own place", () => {
  const page = new Uint8Array(8192).fill(7);
  const sum = pageChecksum(page, 5);
  assert.notEqual(pageChecksum(page, 6), sum);
  page[8] = 1;
  page[9] = 2;
  assert.equal(pageChecksum(page, 5), sum);
  page[8191] = 8;
  assert.notEqual(pageChecksum(page, 5), sum);
});
