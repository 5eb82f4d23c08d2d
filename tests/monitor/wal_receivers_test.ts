import assert from "node:assert/strict";
import { openWalsender } from "../../db/backups/walsender.ts";
import { type CollectorRows, collectors } from "../../db/collectors/list.ts";
import { connectSql, type Target } from "../../db/connection.ts";
import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import { replicationSignals } from "../../services/monitor/signals/replication.ts";
import type { View } from "../../services/monitor/signals/signal.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { watch, type Watched } from "../helpers/watched.ts";

const counts = ({ value }: Watched) =>
  ["standbys", "wal_archivers", "logical_subscribers"].map((name) => value(name));

const looksLike = (watched: Watched, wanted: number[], what: string) =>
  eventually(async () => {
    await watched.collection.collect("stats");
    return counts(watched).join() === wanted.join();
  }, `${what}: ${wanted}`);

const missing = (watched: Watched) =>
  watched.signals().filter(({ name, value }) => name === "standby_missing" && value === 1);

const lags = (watched: Watched) =>
  watched.signals().filter(({ name, scope }) => /^replication_lag/.test(name) && scope);

/** A subscription of a database to itself, by the server's own apply worker. */
async function subscriber(target: Target, watched: Watched, own: string): Promise<void> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  try {
    await sql`create table public.published (id int primary key)`;
    await sql`create publication shared for table public.published`;
    await sql`select pg_create_logical_replication_slot('mirror', 'pgoutput')`;
    await sql.unsafe(`create subscription mirror connection '${own}' publication shared
      with (create_slot = false, slot_name = 'mirror', copy_data = false)`);
    await looksLike(watched, [0, 0, 1], "a subscription");
    assert.deepEqual(lags(watched), []);
    await sql`alter subscription mirror disable`;
    await looksLike(watched, [0, 0, 0], "the subscription is gone");
    assert.deepEqual(missing(watched), []);
    await sql`alter subscription mirror set (slot_name = none)`;
    await sql`drop subscription mirror`;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** What receives WAL as the collector shows it to a role without pg_monitor. */
async function receiversAsPlainRole(target: Target) {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  const { questions } = collectors.find(({ name }) => name === "replication")!;
  try {
    return await sql.begin(async (tx) => {
      await tx`create role plain`;
      await tx`set local role plain`;
      const rows = await tx.unsafe<CollectorRows["replication"][]>(questions[0]!.sql);
      return rows.map(({ kind, state }) => ({ kind, state }));
    });
  } finally {
    await sql.end({ timeout: 2 });
  }
}

Deno.test("for a role that lost pg_monitor no standby is missing: its presence is unknown", () => {
  const signal = replicationSignals.find(({ name }) => name === "standby_missing")!;
  const seenBy = (seesAll: boolean, rows: unknown[]) =>
    signal.read({ rows: () => rows, seesAll, standbys: ["one"] } as unknown as View);
  const value = (value: number | null) => [{ scope: "one", value }];
  assert.deepEqual(seenBy(true, []), value(1));
  assert.deepEqual(seenBy(true, [{ application_name: "one" }]), value(0));
  assert.deepEqual(seenBy(false, []), value(null));
});

Deno.test("WAL archivers and subscribers are not standbys, and are not missed when they leave", async () => {
  const server = await startServer({ wal_level: "logical", wal_retrieve_retry_interval: "200ms" });
  const watched = watch(server.target);
  try {
    await looksLike(watched, [0, 0, 0], "nobody");
    const keeper = await openWalsender(server.target);
    // It takes what it gets, and says nothing of replay.
    const taken = (async () => {
      for await (const _ of keeper.run("START_REPLICATION PHYSICAL 0/1000000"));
    })().catch(() => {});
    await looksLike(watched, [0, 1, 0], "one that keeps WAL");
    assert.deepEqual(lags(watched), []);
    assert.deepEqual(await receiversAsPlainRole(server.target), [{
      kind: "connecting",
      state: null,
    }]);
    keeper.close();
    await taken;
    await looksLike(watched, [0, 0, 0], "it is gone");
    assert.deepEqual(missing(watched), []);
    await subscriber(
      server.target,
      watched,
      `host=${server.target.directory} user=postgres dbname=postgres`,
    );
  } finally {
    await watched.end();
    await server.stop();
  }
});

testWith(
  debianPostgres,
  "pg_basebackup, pg_receivewal and pg_recvlogical are no standbys; a standby by any name is one",
  async () => {
    const server = await createDebianServer({
      settings: ["wal_level=logical", "fsync=off", "wal_retrieve_retry_interval=200ms"],
    });
    await server.start();
    const target: Target = { kind: "url", url: server.url };
    const watched = watch(target);
    const sql = connectSql({
      target,
      max: 1,
      applicationName: "test",
      statementTimeoutMs: 20_000,
      lockTimeoutMs: 10_000,
      pooled: false,
    });
    const folder = await Deno.makeTempDir({ prefix: "holdfast-receivers-" });
    const as = unprivilegedUser();
    await Deno.chmod(folder, 0o755);
    if (as) await Deno.chown(folder, as.uid, as.gid);
    const tool = (name: string, args: string[]) =>
      new Deno.Command(`${debianPostgres.bin}/${name}`, {
        args: [...args, "--dbname", server.url],
        stdout: "null",
        stderr: "null",
        ...(as ? { uid: as.uid, gid: as.gid } : {}),
      }).spawn();
    try {
      await watched.collection.collect("stats");
      const backup = tool("pg_basebackup", [
        ...["-D", `${folder}/one`, "-X", "stream", "-c", "fast", "-r", "15M"],
      ]);
      // Held while it is looked at: it would be done before a busy machine has seen it.
      await eventually(async () => {
        const streams = await sql`select 1 from pg_stat_replication where state = 'streaming'`;
        return streams.length > 0;
      }, "its stream has begun");
      backup.kill("SIGSTOP");
      await looksLike(watched, [0, 1, 0], "a backup with its stream");
      backup.kill("SIGCONT");
      assert.ok((await backup.status).success);
      await looksLike(watched, [0, 0, 0], "the backup is done");
      assert.deepEqual(missing(watched), []);

      await Deno.mkdir(`${folder}/wal`);
      if (as) await Deno.chown(`${folder}/wal`, as.uid, as.gid);
      for (const more of [[], ["--synchronous", "--slot", "keep"]]) {
        if (more.length > 0) {
          await tool("pg_receivewal", ["--create-slot", "--slot", "keep"]).status;
        }
        const keeper = tool("pg_receivewal", ["-D", `${folder}/wal`, ...more]);
        await looksLike(watched, [0, 1, 0], "pg_receivewal");
        assert.deepEqual(
          watched.signals().filter(({ name }) => name === "wal_archiver_lag_bytes")
            .map(({ scope }) => scope),
          ["pg_receivewal"],
        );
        keeper.kill("SIGINT");
        await keeper.status;
        await looksLike(watched, [0, 0, 0], "it is gone");
        assert.deepEqual(missing(watched), []);
      }

      const follower = new Deno.Command(`${debianPostgres.bin}/pg_recvlogical`, {
        args: [
          ...["--slot", "changes", "--create-slot", "--start", "-f", "/dev/null"],
          ...["--plugin", "test_decoding", "--dbname", server.url],
        ],
        stdout: "null",
        stderr: "null",
      }).spawn();
      await looksLike(watched, [0, 0, 1], "pg_recvlogical");
      follower.kill("SIGINT");
      await follower.status;
      await subscriber(
        target,
        watched,
        `host=127.0.0.1 port=${server.port} user=postgres dbname=postgres`,
      );

      // A standby that calls itself like a tool.
      const { code, output } = await runCommand(`${debianPostgres.bin}/pg_basebackup`, [
        ...["-D", `${folder}/standby`, "-c", "fast", "-R", "-d"],
        `${server.url}?application_name=pg_receivewal`,
      ], { as, timeoutMs: 60_000 });
      assert.equal(code, 0, output);
      const control = (...args: string[]) =>
        runCommand(`${debianPostgres.bin}/pg_ctl`, [...args, "-D", `${folder}/standby`], {
          as,
          timeoutMs: 60_000,
        });
      await control(
        "start",
        "-w",
        "-l",
        `${folder}/log`,
        "-o",
        [
          `-c listen_addresses= -c unix_socket_directories=${folder}`,
        ].join(" "),
      );
      try {
        await looksLike(watched, [1, 0, 0], "a standby");
        assert.deepEqual(lags(watched).map(({ scope }) => scope), [
          "pg_receivewal",
          "pg_receivewal",
        ]);
      } finally {
        await control("stop", "-m", "immediate");
      }
      await looksLike(watched, [0, 0, 0], "the standby is gone");
      assert.deepEqual(missing(watched).map(({ scope }) => scope), ["pg_receivewal"]);
    } finally {
      await watched.end();
      await sql.end({ timeout: 2 });
      await server.remove();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
