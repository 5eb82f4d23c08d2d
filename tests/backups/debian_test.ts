import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { targetOf } from "../../db/address/target.ts";
import { readServerFacts } from "../../db/backups/facts.ts";
import { createPool } from "../../db/pool/pool.ts";
import { takeLogicalBackup } from "../../services/backups/base/pg_dump.ts";
import { createBackupRepository } from "../../services/backups/repository.ts";
import type { Backup } from "../../services/backups/report.ts";
import { createDebianServer, type DebianServer } from "../helpers/debian.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

let server: DebianServer;

async function withApp(url: string, work: (app: TestApp) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-debian-backups-" });
  const app = await startApp({ DATABASE_URL: url, HOLDFAST_BACKUP_DIR: join(dir, "b") });
  try {
    await work(app);
  } finally {
    await app.stop();
    await Deno.remove(dir, { recursive: true });
  }
}

async function take(app: TestApp, body = "{}"): Promise<Backup> {
  const answer = await app.post("/api/backups", body);
  const begun = await answer.json();
  assert.equal(answer.status, 202, JSON.stringify(begun));
  await app.holdfast.backups.idle();
  return await app.json<Backup>(`/api/backups/${begun.id}`);
}

/** Opens what takes logical backups of a server into a temporary directory, waiting 0.2 s for a lock. */
async function openDump(url: string) {
  const target = targetOf(url, {});
  const dir = await Deno.makeTempDir({ prefix: "holdfast-debian-dump-" });
  const pool = createPool({
    target,
    max: 1,
    applicationName: "dump",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooler: { pooled: false },
    waitingMax: 1,
  });
  return {
    take: async () =>
      await takeLogicalBackup({
        target,
        pool,
        repository: createBackupRepository(dir),
        facts: await pool.run(readServerFacts),
        id: "20260131T093000Z-abcdef",
        now: () => new Date(),
        signal: new AbortController().signal,
        lockWaitMs: 200,
      }),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

testWith(debianPostgres, "beside Debian's Postgres 15", async (t) => {
  server = await createDebianServer({ settings: ["password_encryption=scram-sha-256"] });
  await server.start();
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    await admin.unsafe(`
      create role copier login replication password 'two words: é';
      create role plain login;
      grant create on database postgres to copier, plain;
      grant pg_monitor to copier`);
    const copier = `postgres://copier:${
      encodeURIComponent("two words: é")
    }@127.0.0.1:${server.port}/postgres`;

    await t.step("a role with replication takes base backups and proves them", async () => {
      await withApp(copier, async (app) => {
        const sent = await app.post(
          "/api/ticks?create=true",
          [{ ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 }],
        );
        assert.equal(sent.status, 200);
        await sent.body?.cancel();
        const taken = await take(app);
        assert.deepEqual([taken.kind, taken.status, taken.problems], ["base", "complete", []]);
        const verified = await app.post(`/api/backups/${taken.id}/verify`, "{}");
        await verified.body?.cancel();
        await app.holdfast.backups.idle();
        const proven = await app.json<Backup>(`/api/backups/${taken.id}`);
        assert.deepEqual(proven.problems, []);
        assert.ok(proven.proven_at);
        assert.match(proven.notes.join("\n"), /^1 rows in \d+ partitions, \d+ compared$/m);
        assert.match(proven.notes.join("\n"), /no data checksums/);
      });
    });

    await t.step("a password is proven on both sides with SCRAM", async () => {
      const folder = (await admin`show hba_file`)[0]?.hba_file;
      await Deno.writeTextFile(
        folder,
        "host all postgres 127.0.0.1/32 trust\nhost all,replication all 127.0.0.1/32 scram-sha-256\n",
      );
      await admin`select pg_reload_conf()`;
      await withApp(copier, async (app) => {
        const taken = await take(app);
        assert.deepEqual([taken.kind, taken.status, taken.problems], ["base", "complete", []]);
      });
      await Deno.writeTextFile(folder, "host all,replication all 127.0.0.1/32 trust\n");
      await admin`select pg_reload_conf()`;
    });

    await t.step("a role without it says what it cannot do, and dumps", async () => {
      await admin.unsafe("drop schema if exists market, holdfast cascade");
      await withApp(`postgres://plain@127.0.0.1:${server.port}/postgres`, async (app) => {
        const refused = await app.post("/api/backups", '{"kind": "base"}');
        const { detail, code } = await refused.json();
        assert.equal(refused.status, 403);
        assert.equal(code, "forbidden");
        assert.match(detail, /^Role plain may not replicate: alter role plain replication/);
        const dumped = await take(app);
        assert.deepEqual([dumped.kind, dumped.status, dumped.problems], [
          "logical",
          "complete",
          [],
        ]);
        assert.ok(dumped.bytes > 1_000);
        const { backups } = await app.json<{ backups: Backup[] }>("/api/backups");
        assert.deepEqual(backups.map(({ id }) => id), [dumped.id]);
      });
    });

    await t.step("a dump waits for a locked table for a while, and then names it", async () => {
      await admin.unsafe('create table "Orders" (); grant select on "Orders" to plain');
      await using dump = await openDump(`postgres://plain@127.0.0.1:${server.port}/postgres`);
      const locker = postgres(server.url, { max: 1, connection: { application_name: "migrate" } });
      try {
        const [row] = await locker.unsafe("select pg_backend_pid() as pid");
        await locker.unsafe('begin; lock table "Orders" in access exclusive mode');
        await assert.rejects(dump.take(), (error: Error) => {
          assert.equal(
            error.message,
            `pg_dump waited 0.2 s for a table that is locked (ACCESS EXCLUSIVE): public.Orders by session ${row?.pid} (migrate). ` +
              `Let that transaction end, or end it (select pg_terminate_backend(${row?.pid})), and take the backup again`,
          );
          return true;
        });
      } finally {
        await locker.end();
      }
      await admin.unsafe('revoke select on "Orders" from plain');
      await assert.rejects(dump.take(), /error: .*permission denied for table Orders/);
    });
  } finally {
    await admin.end();
    await server.remove();
  }
});
