import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { openWalsender } from "../../db/backups/walsender.ts";
import { codeOf, isAnswer, isUnreachable, sqlStateOf, toHoldfastError } from "../../db/errors.ts";
import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import { createPool } from "../../db/pool/pool.ts";
import { createHostMemory } from "../../db/address/open.ts";
import { createDebianServer, type DebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { freePort } from "../helpers/process.ts";
import { passOverDriver } from "../helpers/rejections.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { startSwallower } from "../helpers/swallow.ts";

passOverDriver();

interface Standby {
  port: number;
  promote(): Promise<void>;
  remove(): Promise<void>;
}

async function startStandby(primary: DebianServer): Promise<Standby> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-second-" });
  const as = unprivilegedUser();
  await Deno.chmod(folder, 0o755);
  if (as) await Deno.chown(folder, as.uid, as.gid);
  const run = async (tool: string, args: string[]) => {
    const { code, output } = await runCommand(`${debianPostgres.bin}/${tool}`, args, {
      as,
      timeoutMs: 60_000,
    });
    if (code !== 0) throw new Error(`${tool} ended with ${code}: ${output}`);
  };
  const data = ["--pgdata", `${folder}/data`];
  const port = freePort();
  await run("pg_basebackup", [
    ...data,
    ...["--dbname", primary.url, "--write-recovery-conf", "--checkpoint", "fast"],
  ]);
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
  await run("pg_ctl", ["start", ...data, "--wait", "--log", `${folder}/log`, "-o", options]);
  return {
    port,
    promote: () => run("pg_ctl", ["promote", ...data, "--wait"]),
    async remove() {
      await run("pg_ctl", ["stop", ...data, "--mode", "immediate", "--wait"]).catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const open = (url: string): Sql =>
  connectSql({
    target: { kind: "url", url, env: { HOME: "/nowhere" } },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });

/** Returns the port of the server that a connection leads to, or the code of the refusal. */
async function whereTo(url: string): Promise<number | string> {
  const sql = open(url);
  try {
    const [row] = await sql`select inet_server_port() as port`;
    return row?.port as number;
  } catch (error) {
    assert.ok(isUnreachable(error), String(error));
    assert.ok(isUnreachable(toHoldfastError(error)), String(error));
    assert.equal(sqlStateOf(error), undefined, "no server gave this code");
    return codeOf(error);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

let primary: DebianServer;
let standby: Standby;

Deno.test.beforeAll(async () => {
  if (!debianPostgres.present) return;
  primary = await createDebianServer();
  await primary.start();
  standby = await startStandby(primary);
});
Deno.test.afterAll(async () => {
  await standby?.remove();
  await primary?.remove();
});

testWith(
  debianPostgres,
  "of several hosts the first that answers and has the role asked for is taken",
  async () => {
    const gone = freePort();
    const to = (ports: number[], attrs?: string) =>
      `postgres://postgres@${ports.map((port) => `127.0.0.1:${port}`).join(",")}/postgres${
        attrs ? `?target_session_attrs=${attrs}` : ""
      }`;
    const [first, second] = [primary.port, standby.port];
    const cases: [string, number | string][] = [
      [to([gone, first]), first],
      [to([second, first]), second],
      [to([second, first], "any"), second],
      [to([second, first], "read-write"), first],
      [to([second, first], "primary"), first],
      [to([first, second], "read-only"), second],
      [to([first, second], "standby"), second],
      [to([first, second], "prefer-standby"), second],
      [to([gone, first], "prefer-standby"), first],
      [to([second], "read-write"), "TARGET_SESSION_ATTRS"],
      [to([second, gone], "primary"), "TARGET_SESSION_ATTRS"],
      [to([first], "standby"), "TARGET_SESSION_ATTRS"],
      [to([gone, freePort()]), "ECONNREFUSED"],
    ];
    for (const [url, expected] of cases) assert.equal(await whereTo(url), expected, url);
    const walsender = await openWalsender({
      kind: "url",
      url: to([gone, second, first], "primary"),
    });
    walsender.close();
    assert.equal(Math.floor(walsender.version / 10_000), 15);
  },
);

Deno.test("an address that cannot be used is no session, and its code is not shown as a server's", async () => {
  const none = `127.0.0.1:${freePort()}`;
  const root = await Deno.makeTempFile();
  await Deno.writeTextFile(root, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    for await (const client of listener) {
      await client.read(new Uint8Array(8)).catch(() => null);
      await client.write(new TextEncoder().encode("S")).catch(() => 0);
      await client.write(new TextEncoder().encode("no TLS")).catch(() => 0);
      client.close();
    }
  })();
  const urls = [
    `postgres://u@${none}/x`,
    `postgres://u@${none},${none}/x`,
    `postgres://u@127.0.0.1:${listener.addr.port}/x?sslmode=verify-full&sslrootcert=${root}`,
  ];
  try {
    for (const url of urls) {
      const sql = open(url);
      const error = await sql`select 1`.then(() => undefined, (thrown: unknown) => thrown);
      await sql.end({ timeout: 1 });
      const known = toHoldfastError(error);
      assert.equal(known.code, "database_unavailable", url);
      assert.deepEqual([isUnreachable(known), isAnswer(known)], [true, false], url);
      assert.equal(sqlStateOf(known), undefined, url);
    }
  } finally {
    listener.close();
    await answering;
    await Deno.remove(root);
  }
});

testWith(
  debianPostgres,
  "a host that swallows what it gets is waited for once, then tried last",
  async () => {
    const silent = startSwallower(primary.port);
    silent.swallow(true);
    const pool = createPool({
      target: {
        kind: "url",
        url: `postgres://postgres@127.0.0.1:${silent.port},127.0.0.1:${primary.port}/postgres`,
        memory: createHostMemory(),
      },
      max: 2,
      waitingMax: 10,
      applicationName: "test",
      connectTimeoutMs: 2_000,
      statementTimeoutMs: 2_000,
      lockTimeoutMs: 500,
      pooler: { pooled: false },
    });
    const ask = () =>
      pool.run(async (sql) => (await sql`select inet_server_port() as port`)[0]?.port);
    try {
      await eventually(async () => await ask() === primary.port, "the second is found", 10_000);
      const taken = silent.taken();
      const answers = await Promise.all([ask(), ask()]);
      assert.deepEqual(answers, [primary.port, primary.port]);
      assert.equal(silent.taken(), taken, "without asking the first again");
    } finally {
      await pool.end();
      await silent.stop();
    }
  },
);

testWith(
  debianPostgres,
  "a connection whose server no longer has the role is dropped, and another host taken",
  async () => {
    const sql = open(
      `postgres://postgres@127.0.0.1:${primary.port}/postgres?target_session_attrs=read-write`,
    );
    const admin = open(primary.url);
    const set = async (value: string) => {
      await admin.unsafe(`alter system set default_transaction_read_only = ${value}`);
      await admin`select pg_reload_conf()`;
    };
    const take = () => sql`select 1`.then(() => "taken", (error) => codeOf(error));
    try {
      assert.equal(await take(), "taken");
      await set("on");
      await eventually(async () => await take() === "TARGET_SESSION_ATTRS", "it is dropped");
      await admin`set default_transaction_read_only = off`;
      await set("off");
      await eventually(async () => await take() === "taken", "and taken again");
    } finally {
      await sql.end({ timeout: 1 });
      await admin.end({ timeout: 1 });
    }
  },
);

testWith(
  debianPostgres,
  "a transaction whose server changes its role ends at once as one that lost its connection",
  async () => {
    const admin = open(primary.url);
    // Its own default must not keep it from changing the server's.
    await admin`set default_transaction_read_only = off`;
    const set = async (value: string) => {
      await admin.unsafe(`alter system set default_transaction_read_only = ${value}`);
      await admin`select pg_reload_conf()`;
    };
    const cases = [["read-write", "off", "on"], ["read-only", "on", "off"]] as const;
    try {
      for (const [attrs, before, after] of cases) {
        await set(before);
        const url = `${primary.url}?target_session_attrs=${attrs}`;
        await eventually(async () => await whereTo(url) === primary.port, "it has the role");
        const pool = createPool({
          target: { kind: "url", url, memory: createHostMemory() },
          max: 1,
          waitingMax: 1,
          applicationName: "test",
          statementTimeoutMs: 3_000,
          lockTimeoutMs: 500,
          pooler: { pooled: false },
        });
        try {
          const error = await pool.transaction(async (sql) => {
            await sql`select 1`;
            await set(after);
            for (const until = performance.now() + 4_000; performance.now() < until;) {
              await sql`select 1`;
            }
          }).then(() => undefined, (thrown: unknown) => thrown);
          assert.deepEqual(
            [toHoldfastError(error).code, isUnreachable(error)],
            ["database_unavailable", true],
            `${attrs}: ${error}`,
          );
        } finally {
          await pool.end();
        }
      }
    } finally {
      await set("off");
      await admin.end({ timeout: 1 });
    }
  },
);

// The last: it leaves the primary down.
testWith(
  debianPostgres,
  "after a failover Holdfast writes to the server that was promoted",
  async () => {
    const app = await startApp({
      DATABASE_URL:
        `postgres://postgres@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres?target_session_attrs=read-write`,
      HOLDFAST_FAST_TIER_SECONDS: "1",
      HOLDFAST_BROADCAST_SECONDS: "1",
    });
    const store = async () => {
      const tick = { ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 };
      const answer = await app.post("/api/ticks?create=true", [tick]);
      await answer.body?.cancel();
      return answer.status;
    };
    const there = open(`postgres://postgres@127.0.0.1:${standby.port}/postgres`);
    try {
      assert.equal(await store(), 200);
      await eventually(
        async () => (await there`select to_regclass('market.ticks') as ticks`)[0]?.ticks !== null,
        "the standby has followed",
      );
      await primary.stop();
      assert.notEqual(await store(), 200);
      await standby.promote();
      await eventually(async () => await store() === 200, "ticks are taken again", 20_000);
      const [row] = await there`select count(*)::int4 as count from market.ticks`;
      assert.ok(row?.count >= 1);
      await eventually(
        async () => (await app.json<{ status: string }>("/api/health/ready")).status === "ready",
        "it is ready",
        20_000,
      );
    } finally {
      await there.end({ timeout: 1 });
      await app.stop();
    }
  },
);
