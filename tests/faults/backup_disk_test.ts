import assert from "node:assert/strict";
import { join } from "node:path";
import type { Backup } from "../../services/backups/report.ts";
import { mayMount, mountSmallDisk } from "../helpers/disk.ts";
import { startApp } from "../helpers/test_app.ts";
import { slowTests, testWith } from "../helpers/skip.ts";

const MiB = 1024 * 1024;

testWith(
  slowTests.present
    ? { what: "root's right to mount a small disk", present: await mayMount() }
    : slowTests,
  "a disk that fills during a backup: a clear failure, the database and older backups untouched",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-backups-" });
    const disk = await mountSmallDisk(folder, 256);
    const app = await startApp({
      HOLDFAST_BACKUP_DIR: join(folder, "b"),
      HOLDFAST_BACKUP_RATE_MB: "20",
    });
    const take = async () => {
      const { id } = await app.holdfast.backups.start();
      return { id, ended: app.holdfast.backups.idle() };
    };
    const get = (id: string) => app.json<Backup>(`/api/backups/${id}`);
    try {
      const first = await take();
      await first.ended;
      assert.equal((await get(first.id)).status, "complete");

      // Random, so that it does not compress away.
      await app.sql`create table public.noise as
        select string_agg(md5(random()::text), '') as t from generate_series(1, 400000) as g group by g % 4000`;
      const second = await take();
      await disk.fill(2 * MiB);
      await second.ended;
      const failed = await get(second.id).catch(() => undefined);
      const health = await app.json<{ backups: { problems: string[] } }>("/api/health/database");
      assert.match(
        health.backups.problems.join("; "),
        /disk of the backups is full; older backups are untouched/,
      );
      if (failed?.status) assert.equal(failed.status, "failed");

      const noRoom = await take();
      await noRoom.ended;
      const report = await app.json<{ backups: { problems: string[] } }>("/api/health/database");
      assert.match(report.backups.problems.join("; "), /Not enough room for a backup|is full/);

      const stored = await app.post(
        "/api/ticks?create=true",
        [{ ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 }],
      );
      assert.equal(stored.status, 200, await stored.text());
      await disk.relieve();
      const older = await app.holdfast.backups.verify(first.id, {
        restore: false,
        waitMs: 20_000,
      });
      assert.deepEqual([older.status, older.problems], ["complete", []]);
      const last = await take();
      await last.ended;
      assert.equal((await get(last.id)).status, "complete");
    } finally {
      await app.stop();
      await disk.unmount();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
