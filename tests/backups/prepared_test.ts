import assert from "node:assert/strict";
import { dirname } from "node:path";
import postgres from "postgres";
import { prepareBinaries } from "../../db/embedded/binaries.ts";
import { unprivilegedUser } from "../../db/embedded/command.ts";
import type { Backup } from "../../services/backups/report.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { startApp } from "../helpers/test_app.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

async function embeddedBin(): Promise<string> {
  const as = unprivilegedUser();
  const found = await prepareBinaries({ as, home: "/var/lib/holdfast", version: "18.4" });
  return dirname(found.pgCtl);
}

/** Takes a backup of a server with three open prepared transactions, and restores it on trial. */
async function drillWithPrepared(bin: string): Promise<void> {
  const server = await createDebianServer({
    bin,
    settings: [
      "max_prepared_transactions=5",
      "max_connections=60",
      "max_locks_per_transaction=128",
      "track_commit_timestamp=on",
    ],
  });
  const dir = await Deno.makeTempDir({ prefix: "holdfast-prepared-" });
  try {
    await server.start();
    const admin = postgres(server.url, { max: 1, onnotice: () => {} });
    await admin`create table kept (n int)`;
    await admin`insert into kept select generate_series(1, 100)`;
    for (const n of [1, 2, 3]) {
      await admin.unsafe(`
        begin; insert into kept values (${-n}); prepare transaction 'open ${n}'`).simple();
    }
    await admin.end();
    const app = await startApp({ DATABASE_URL: server.url, HOLDFAST_BACKUP_DIR: `${dir}/b` });
    try {
      const answer = await app.post("/api/backups", "{}");
      const begun = await answer.json();
      assert.equal(answer.status, 202, JSON.stringify(begun));
      await app.holdfast.backups.idle();
      const verified = await app.post(`/api/backups/${begun.id}/verify`, "{}");
      await verified.body?.cancel();
      await app.holdfast.backups.idle();
      const proven = await app.json<Backup>(`/api/backups/${begun.id}`);
      assert.deepEqual([proven.kind, proven.problems], ["base", []]);
      assert.ok(proven.proven_at);
      assert.match(proven.notes.join("\n"), /compared/);
    } finally {
      await app.stop();
    }
  } finally {
    await server.remove();
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a drill passes while three prepared transactions are open", async () => {
  await drillWithPrepared(await embeddedBin());
});

testWith(debianPostgres, "so it does beside Debian's Postgres 15", async () => {
  await drillWithPrepared(debianPostgres.bin);
});
