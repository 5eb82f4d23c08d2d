import assert from "node:assert/strict";
import postgres from "postgres";
import { createHoldfast } from "../../app/holdfast.ts";
import { readConfig } from "../../config/config.ts";
import { whyUnfit } from "../../db/server/requirements.ts";
import { createLogger } from "../../log.ts";
import { upgrade } from "../../runtime/http/web_socket.ts";
import { startBouncer } from "../helpers/bouncer.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { freePort, startProcess } from "../helpers/process.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, pgbouncer, slowTests, testWith } from "../helpers/skip.ts";

interface Cluster {
  /** As the superuser, to the database postgres. */
  url: string;
  stop(): Promise<void>;
}

async function startEmbedded(): Promise<Cluster> {
  const port = freePort();
  const server = await startServer({ listen_addresses: "127.0.0.1", port: String(port) });
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop: server.stop };
}

async function startDebian(): Promise<Cluster> {
  const server = await createDebianServer();
  await server.start();
  return { url: server.url, stop: server.remove };
}

function urlTo(base: string, role: string, database: string): string {
  const url = new URL(base);
  url.username = encodeURIComponent(role);
  url.pathname = `/${database}`;
  return url.href;
}

async function doctor(url: string): Promise<{ code: number; said: string }> {
  const child = startProcess({ env: { DATABASE_URL: url }, args: ["doctor"] });
  return { code: await child.exited, said: child.output() };
}

/** A start that ends at once, with one line. */
async function assertRefused(url: string, reason: RegExp): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "holdfast-refused-" });
  const holdfast = await createHoldfast({
    config: readConfig({ HOLDFAST_DATA_DIR: dataDir, PORT: "0", DATABASE_URL: url }),
    log: createLogger({ level: "error", write: () => {} }),
    upgrade,
    version: "0.0.0-test",
  });
  try {
    const error = await holdfast.start(AbortSignal.timeout(10_000)).then(
      () => undefined,
      (thrown) => thrown,
    );
    assert.equal(error?.name, "StartError", String(error));
    assert.match(error.message, reason);
    assert.doesNotMatch(error.message, /\n/);
  } finally {
    await holdfast.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

const traits = { database: "trading", role: "app", encoding: "UTF8", replicationRole: "origin" };

Deno.test("UTF8 and SQL_ASCII fit; a refusal names the database and the way out", () => {
  assert.equal(whyUnfit(traits), undefined);
  assert.equal(whyUnfit({ ...traits, encoding: "SQL_ASCII" }), undefined);
  assert.match(
    whyUnfit({ ...traits, encoding: "EUC_JP" }) ?? "",
    /^The database has the encoding EUC_JP.*encoding 'UTF8' template template0/,
  );
  assert.match(
    whyUnfit({ ...traits, replicationRole: "replica" }) ?? "",
    /alter role app reset session_replication_role/,
  );
});

async function assertEncodings(cluster: Cluster): Promise<void> {
  const admin = postgres(cluster.url, { max: 1, onnotice: () => {} });
  await admin.unsafe('create role "rôle" login');
  for (const encoding of ["LATIN1", "EUC_JP", "SQL_ASCII"]) {
    await admin.unsafe(
      `create database in_${encoding} owner "rôle" encoding ${encoding} template template0 ` +
        "lc_collate 'C' lc_ctype 'C'",
    );
  }
  await admin.unsafe('create database triggerless owner "rôle"');
  await admin.unsafe("alter database triggerless set session_replication_role = replica");
  await admin.end();
  const to = (database: string) => urlTo(cluster.url, "rôle", database);
  for (
    const [database, reason] of [
      ["in_latin1", /encoding LATIN1/],
      ["in_euc_jp", /encoding EUC_JP/],
      ["triggerless", /session_replication_role is replica/],
    ] as const
  ) {
    await assertRefused(to(database), reason);
  }
  const app = await startApp({ DATABASE_URL: to("in_sql_ascii") });
  try {
    // Written by somebody whose client speaks Latin-1.
    await app.sql.unsafe(
      "insert into market.instruments (symbol) values (convert_from('\\xe9'::bytea, 'SQL_ASCII'))",
    );
    const at = new Date(Date.now() - 1_000).toISOString();
    const body = ["é", "日本"].map((symbol) => ({
      ts: at,
      symbol,
      price: 1.5,
      size: 1,
      side: "買",
    }));
    const bad = { ts: at, symbol: "日本", price: -1, size: 1 };
    const answer = await app.post("/api/ticks?create=true", [...body, bad]);
    assert.deepEqual([(await answer.json()).accepted, answer.status], [2, 200]);
    for (const symbol of ["é", "日本"]) {
      const { ticks } = await app.json<{ ticks: { side: string }[] }>(
        `/api/ticks?symbol=${encodeURIComponent(symbol)}`,
      );
      assert.deepEqual(ticks.map(({ side }) => side), ["買"]);
    }
    const { quarantine } = await app.json<{ quarantine: { symbol: string }[] }>(
      "/api/quarantine",
    );
    assert.deepEqual(quarantine.map(({ symbol }) => symbol), ["日本"]);
    const { instruments } = await app.json<{ instruments: { symbol: string }[] }>(
      "/api/instruments",
    );
    assert.deepEqual(
      instruments.map(({ symbol }) => symbol).sort(),
      ["é", "日本", "\uFFFD"].sort(),
    );
    await app.sql.unsafe(`create schema "schéma";
      create table "schéma"."täble 日" (at timestamptz not null) partition by range (at)`);
    const path = `/api/partitions/policies/${encodeURIComponent("schéma.täble 日")}`;
    const put = await app.request(path, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ interval: "1 day", key: "timestamptz", premake: 1 }),
    });
    assert.equal(put.status, 200, await put.text());
    const plan = await (await app.post("/api/partitions/plan", {})).json();
    const applied = await app.post("/api/partitions/apply", { digest: plan.digest });
    assert.equal(applied.status, 200, await applied.text());
    const [leaves] = await app.sql`
      select count(*)::int as n from pg_inherits where inhparent = '"schéma"."täble 日"'::regclass`;
    assert.ok(leaves?.n >= 2);
    await app.holdfast.monitor.checkNow();
    const { readings } = app.holdfast.monitor.snapshot();
    const errors = Object.values(readings).flatMap(({ error }) => error ?? []);
    assert.deepEqual(errors, []);
  } finally {
    await app.stop();
  }
}

/** A database, a role and a symbol of many scripts, through every collector. */
async function assertNames(cluster: Cluster): Promise<void> {
  const [role, database] = ["rôle 日本", "dönnées 日本 %"];
  const admin = postgres(cluster.url, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create role "${role}" login`);
  await admin.unsafe(`create database "${database}" owner "${role}"`);
  await admin.end();
  const app = await startApp({
    DATABASE_URL: urlTo(cluster.url, role, encodeURIComponent(database)),
  });
  try {
    const tick = {
      ts: new Date(Date.now() - 1_000).toISOString(),
      symbol: "日本",
      price: 1,
      size: 1,
    };
    const answer = await app.post("/api/ticks?create=true", [tick]);
    assert.equal((await answer.json()).accepted, 1);
    await app.holdfast.monitor.checkNow();
    const { readings } = app.holdfast.monitor.snapshot();
    assert.deepEqual(Object.values(readings).flatMap(({ error }) => error ?? []), []);
    const backup = await (await app.post("/api/backups", { kind: "logical" })).json();
    await eventually(async () => {
      const found = await app.json<{ status: string }>(`/api/backups/${backup.id}`);
      return found.status === "complete";
    }, "the dump is made");
  } finally {
    await app.stop();
  }
}

const refused =
  "a database in LATIN1 or EUC_JP is refused at start in one line, SQL_ASCII works, with names beyond ASCII";
testWith(slowTests, refused, async () => {
  const cluster = await startEmbedded();
  try {
    await assertEncodings(cluster);
  } finally {
    await cluster.stop();
  }
});

testWith(debianPostgres, `on Debian's Postgres 15 ${refused}; the doctor says it`, async () => {
  const cluster = await startDebian();
  try {
    await assertEncodings(cluster);
    await assertNames(cluster);
    const { code, said } = await doctor(urlTo(cluster.url, "rôle", "in_latin1"));
    assert.equal(code, 1);
    assert.match(said, /✗ {2}The database has the encoding LATIN1/);
  } finally {
    await cluster.stop();
  }
});

testWith(
  {
    what: `${pgbouncer.what} and ${debianPostgres.what}`,
    present: pgbouncer.present && debianPostgres.present,
  },
  "behind PgBouncer the doctor and the API say that no base backup can be taken, and a logical one is",
  async () => {
    const server = await createDebianServer();
    await server.start();
    const direct = await doctor(server.url);
    assert.match(direct.said, /✓ {2}role postgres can stream base backups/);
    for (const mode of ["session", "transaction"] as const) {
      // In session mode each session of Holdfast's keeps one of the pool's.
      const bouncer = await startBouncer(server, { mode, settings: "default_pool_size=25" });
      try {
        const { said } = await doctor(bouncer.url);
        assert.match(said, /– {2}base backups are not possible through a pooler.*08P01/);
        const app = await startApp({ DATABASE_URL: bouncer.url });
        try {
          const refused = await app.post("/api/backups", { kind: "base" });
          assert.equal(refused.status, 403);
          const { detail } = await refused.json();
          assert.match(
            detail,
            /^The pooler in front of the server allows no replication.*08P01/,
          );
          const begun = await (await app.post("/api/backups", {})).json();
          assert.equal(begun.kind, "logical");
          const done = await eventually(async () => {
            const found = await app.json<{ status: string; problems: string[] }>(
              `/api/backups/${begun.id}`,
            );
            return found.status !== "running" && found;
          }, "the backup ends");
          assert.deepEqual([done.status, done.problems], ["complete", []]);
        } finally {
          await app.stop();
        }
      } finally {
        await bouncer.stop();
      }
    }
    await server.remove();
  },
);
