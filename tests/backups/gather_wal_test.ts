import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gatherWal } from "../../services/backups/restore/gather_wal.ts";
import { collectSpool } from "../../services/backups/wal/archive.ts";
import { segmentOf } from "../../services/backups/wal/segments.ts";
import { MiB, noise, recordAt, sha256 } from "../helpers/copies.ts";
import { eventually } from "../helpers/eventually.ts";

/** The record of `recordAt(0)` starts in segment 2. */
const nameOf = (n: number) => segmentOf(1, BigInt(n) * 16n * BigInt(MiB), 16 * MiB);

/** Folders of a server's WAL and of a cluster to restore, and a function that writes segments. */
async function withFolders(
  work: (given: {
    sources: { archive: string; spool: string; live: string };
    data: string;
    write: (folder: string, n: number, bytes?: number) => Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-gather-" });
  const sources = { archive: join(dir, "wal"), spool: join(dir, "spool"), live: join(dir, "live") };
  const data = join(dir, "data");
  for (const folder of [sources.spool, sources.live, join(data, "pg_wal")]) {
    await Deno.mkdir(folder, { recursive: true });
  }
  try {
    await work({
      sources,
      data,
      async write(folder, n, bytes = 1_000) {
        const content = noise(bytes);
        await Deno.writeFile(join(folder, nameOf(n)), content);
        return sha256(content);
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const gather = (sources: Parameters<typeof gatherWal>[1], data: string) =>
  gatherWal(recordAt(0, false, {}), sources, { data, as: undefined });

const gathered = (data: string) => readdirSync(join(data, "pg_wal")).sort();

Deno.test("a segment that moves from the spool to the archive during a restore is gathered", async () => {
  await withFolders(async ({ sources, data, write }) => {
    for (let n = 2; n < 6; n++) await write(sources.spool, n, MiB);
    await collectSpool(sources.spool, sources.archive);
    const moved = await write(sources.spool, 6);
    await write(sources.live, 7);
    const gathering = gather(sources, data);
    await eventually(() => existsSync(join(data, "pg_wal", nameOf(2))), "it has begun");
    await collectSpool(sources.spool, sources.archive);
    assert.deepEqual(await gathering, { files: 6, gap: undefined });
    assert.deepEqual(gathered(data), [2, 3, 4, 5, 6, 7].map(nameOf));
    assert.equal(sha256(readFileSync(join(data, "pg_wal", nameOf(6)))), moved);
  });
});

Deno.test("the archive's copy of a segment counts, and what comes before the backup is left out", async () => {
  await withFolders(async ({ sources, data, write }) => {
    await write(sources.live, 1);
    const whole = await write(sources.spool, 2);
    await collectSpool(sources.spool, sources.archive);
    await write(sources.live, 2, 10);
    assert.deepEqual(await gather(sources, data), { files: 1, gap: undefined });
    assert.equal(sha256(readFileSync(join(data, "pg_wal", nameOf(2)))), whole);
  });
});

Deno.test("a gap in the WAL is named; the backup's own segments fill it", async () => {
  await withFolders(async ({ sources, data, write }) => {
    await write(sources.live, 4);
    await write(sources.live, 5);
    assert.equal((await gather(sources, data)).gap, nameOf(2));
    await write(join(data, "pg_wal"), 2);
    assert.equal((await gather(sources, data)).gap, nameOf(3));
    await write(join(data, "pg_wal"), 3);
    assert.equal((await gather(sources, data)).gap, undefined);
  });
});
