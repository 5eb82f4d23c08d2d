import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import {
  collectSpool,
  listArchive,
  readArchived,
  sweepArchive,
} from "../../services/backups/wal/archive.ts";
import { segmentOf } from "../../services/backups/wal/segments.ts";
import { connectTo } from "../helpers/load.ts";
import { fillDataDir } from "../helpers/template.ts";

const MiB = 1024 * 1024;

Deno.test("archiving that failed to start is started again", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-archiving-" });
  await Deno.chmod(dir, 0o755);
  await fillDataDir(dir);
  const log = createLogger({ level: "error", write: () => {} });
  const server = await createEmbeddedServer({ dataDir: dir, log });
  await server.start();
  const library = async () => {
    const sql = connectTo(dir);
    const [row] = await sql`select current_setting('archive_library', true) as library`;
    await sql.end();
    return row?.library;
  };
  try {
    const inTheWay = join(server.directory, "holdfast.conf.partial");
    await Deno.mkdir(inTheWay);
    await assert.rejects(() => server.startArchiving());
    assert.deepEqual(readdirSync(server.spool), [], "the spool is there already");
    assert.notEqual(await library(), "basic_archive");
    await Deno.remove(inTheWay);
    await server.startArchiving();
    assert.equal(await library(), "basic_archive");
    const sql = connectTo(dir);
    await sql`select pg_switch_wal()`;
    await sql.end();
    await server.startArchiving();
  } finally {
    await server.stop();
    await Deno.remove(dir, { recursive: true });
  }
});

const archiveModule = new URL("../../services/backups/wal/archive.ts", import.meta.url).href;

/** Archives a spool in a process of its own, and says when it has begun. */
function startCollecting(spool: string, archive: string) {
  const script = `
    const { collectSpool } = await import(${JSON.stringify(archiveModule)});
    console.log("begun");
    await collectSpool(${JSON.stringify(spool)}, ${JSON.stringify(archive)});
    console.log("ended");`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    cwd: new URL("../..", import.meta.url).pathname,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test("after kill -9 during archiving no segment is lost or incomplete, and the next run continues", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-killed-" });
  const [spool, archive] = [join(dir, "spool"), join(dir, "wal")];
  const segments = new Map<string, string>();
  await Deno.mkdir(spool);
  for (let n = 1; n <= 12; n++) {
    const name = segmentOf(1, BigInt(n) * 16n * BigInt(MiB), 16 * MiB);
    const bytes = new Uint8Array(8 * MiB);
    for (let at = 0; at < bytes.length; at += 2 * 65_536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    }
    segments.set(name, createHash("sha256").update(bytes).digest("hex"));
    await Deno.writeFile(join(spool, name), bytes);
  }
  const archived = () => {
    try {
      return readdirSync(archive);
    } catch {
      return [];
    }
  };
  let halfDone = 0;
  try {
    for (let round = 0; round < 4; round++) {
      const before = archived().length;
      const child = startCollecting(spool, archive);
      const reader = child.stdout.getReader();
      await reader.read();
      // Into the middle of its second segment of this round.
      const until = performance.now() + 20_000;
      while (performance.now() < until) {
        const names = archived();
        if (names.length >= before + 2 && names.some((name) => name.endsWith(".partial"))) break;
        await new Promise((done) => setTimeout(done, 1));
      }
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      if (archived().some((name) => name.endsWith(".partial"))) halfDone++;
      const there = await listArchive(archive);
      for (const one of there) {
        const content = await readArchived(archive, one);
        assert.equal(createHash("sha256").update(content).digest("hex"), segments.get(one.name));
      }
      const safe = new Set([...there.map(({ name }) => name), ...readdirSync(spool)]);
      assert.deepEqual([...safe].sort(), [...segments.keys()], "each is in the archive or waits");
      await sweepArchive(spool, archive);
      assert.equal(archived().filter((name) => name.endsWith(".partial")).length, 0);
    }
    assert.ok(halfDone > 0, "at least one was killed in the middle of a segment");
    const { problem } = await collectSpool(spool, archive);
    assert.equal(problem, undefined);
    assert.deepEqual(readdirSync(spool), []);
    assert.deepEqual((await listArchive(archive)).map(({ name }) => name), [...segments.keys()]);
    assert.ok(readFileSync(join(archive, archived()[0]!)).length > 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
