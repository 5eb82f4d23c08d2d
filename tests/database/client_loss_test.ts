import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { codeOf, isUnreachable } from "../../db/errors.ts";
import { createPool } from "../../db/pool/pool.ts";
import { takeSessionLock } from "../../db/session/lock.ts";
import { systemClock } from "../../lib/clock.ts";
import { endsWithin } from "../../lib/deadline.ts";
import { createLogger } from "../../log.ts";
import { JobRunner } from "../../services/backups/job.ts";
import { eventually } from "../helpers/eventually.ts";
import { startProxy } from "../helpers/proxy.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

let server: TestServer;
let watch: Sql;

Deno.test.beforeAll(async () => {
  server = await startServer();
  watch = connectSql({
    target: server.target,
    max: 1,
    applicationName: "watch",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
});

Deno.test.afterAll(async () => {
  await watch.end({ timeout: 0 });
  await server.stop();
});

const proxyOf = () => startProxy(`${server.target.directory}/.s.PGSQL.${server.target.port}`);

/** Waits until a statement of this application sleeps. */
const sleeps = (applicationName: string) =>
  eventually(async () => {
    const found = await watch`
      select from pg_stat_activity
      where application_name = ${applicationName} and state = 'active' and query like '%pg_sleep%'`;
    return found.length === 1;
  }, "the statement runs");

/** A server that reads one message of each client, answers `answer` and hangs up. */
function startRefusing(answer: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let taken = 0;
  const serving = (async () => {
    for await (const client of listener) {
      taken++;
      await client.read(new Uint8Array(4_096));
      await client.write(new TextEncoder().encode(answer)).catch(() => {});
      client.close();
    }
  })();
  return {
    port: listener.addr.port,
    taken: () => taken,
    async stop() {
      listener.close();
      await serving;
    },
  };
}

function connectTo(port: number): Sql {
  return connectSql({
    target: { kind: "url", url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable` },
    max: 1,
    applicationName: "client_loss",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 1_000,
    pooled: false,
    readTypes: false,
    connectTimeoutMs: 60_000,
  });
}

/** Waits for a statement to fail, for a time in which the driver would connect hundreds of times. */
async function failureOf(statement: PromiseLike<unknown>): Promise<unknown> {
  let failure: unknown;
  const failed = Promise.resolve(statement).catch((error) => failure = error);
  assert.ok(await endsWithin(failed, 10_000), "it has failed");
  return failure;
}

Deno.test("a server that hangs up at once is reported, and not asked again and again", async () => {
  const refusing = startRefusing("");
  const sql = connectTo(refusing.port);
  try {
    const failure = await failureOf(sql`select 1`);
    assert.ok(isUnreachable(failure), String(failure));
    assert.match(String(failure), /closed the connection before the session began/);
    assert.equal(refusing.taken(), 1);
  } finally {
    await sql.end({ timeout: 0 });
    await refusing.stop();
  }
});

/** An ErrorResponse as a server sends it before it closes a connection. */
function refusal(code: string, text: string): string {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${text}\0\0`;
  return `E\0\0\0${String.fromCharCode(fields.length + 4)}${fields}`;
}

Deno.test("a client that lost its session reports why the server refuses the next", async () => {
  const refusing = startRefusing(refusal("57P03", "the database system is starting up"));
  const proxy = proxyOf();
  const sql = connectTo(proxy.port);
  try {
    await sql`select 1`;
    const running = sql`select pg_sleep(300)`.catch((error) => error);
    await sleeps("client_loss");
    proxy.leadTo(refusing.port);
    proxy.cut();
    assert.ok(isUnreachable(await running));
    const failure = await failureOf(sql`select 1`);
    assert.equal(codeOf(failure), "57P03", String(failure));
    assert.equal(refusing.taken(), 1);
  } finally {
    await sql.end({ timeout: 0 });
    await proxy.stop();
    await refusing.stop();
  }
});

Deno.test("what waits behind the statement that a connection is lost with is not sent by itself", async () => {
  const proxy = proxyOf();
  const pool = createPool({
    target: {
      kind: "url",
      url: `postgres://postgres@127.0.0.1:${proxy.port}/postgres?sslmode=disable`,
    },
    max: 1,
    waitingMax: 1,
    applicationName: "pool_loss",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 1_000,
    pooler: { pooled: false },
  });
  try {
    await watch`create table halves (id int4)`;
    const working = pool.transaction(async (sql) => {
      await sql`insert into halves values (1)`;
      // The driver keeps back what follows a statement with parameters that its session has not seen yet.
      await Promise.allSettled([
        sql`select pg_sleep(${300}::int4)`,
        sql`insert into halves values (${2}::int4)`,
      ]);
    }).catch((error) => error);
    await sleeps("pool_loss");
    proxy.cut();
    assert.equal((await working).code, "database_unavailable");
    assert.deepEqual([...await watch`select id from halves`], []);
  } finally {
    await pool.end();
    await proxy.stop();
  }
});

Deno.test("a session lock that is lost is taken again, in a session or a transaction", async () => {
  await Promise.all([false, true].map(async (pooled) => {
    const applicationName = `session_lock_${pooled}`;
    const holder = async () => {
      const [row] = await watch<{ pid: number }[]>`
        select l.pid
        from pg_locks as l
        join pg_stat_activity as a using (pid)
        where l.locktype = 'advisory' and l.granted and a.application_name = ${applicationName}`;
      return row?.pid;
    };
    const lock = await takeSessionLock(applicationName, {
      target: server.target,
      applicationName,
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 1_000,
      pooled,
    });
    assert.ok(lock);
    const first = await holder();
    await watch`select pg_terminate_backend(${first ?? 0}, 5000)`;
    assert.notEqual(await eventually(holder, "it is held again"), first);
    await lock.release();
    await eventually(async () => await holder() === undefined, "it is free");
  }));
});

Deno.test("a backup ends as aborted once another Holdfast has the lock that its session lost", async () => {
  const applicationName = "holdfast-backup-lock";
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const jobs = new JobRunner({
    target: server.target,
    pooler: { pooled: false },
    clock: systemClock,
    log: createLogger({ level: "error", write: () => {} }),
    onEnd: end,
  });
  let reason: unknown;
  await jobs.start(
    { id: "one", kind: "base", what: "backup", step: "streaming" },
    (_, signal) =>
      new Promise((done) => {
        signal.addEventListener("abort", () => done(void (reason = signal.reason)));
      }),
  );
  const [first] = await watch<{ pid: number }[]>`
    select pid from pg_stat_activity where application_name = ${applicationName}`;
  // It waits for the lock, and so has it at once when the other session ends.
  const other = connectSql({
    target: server.target,
    max: 1,
    applicationName: "other",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 60_000,
    pooled: false,
  });
  try {
    const taken = other`select pg_advisory_lock(hashtextextended('holdfast.backup', 0))`.execute();
    await eventually(async () => {
      const waiting = await watch`
        select from pg_locks where locktype = 'advisory' and not granted`;
      return waiting.length === 1;
    }, "the other waits");
    await watch`select pg_terminate_backend(${first?.pid ?? 0}, 5000)`;
    await taken;
    assert.ok(await endsWithin(ended, 60_000));
    assert.match(String(reason), /another Holdfast took the lock/);
    assert.equal(jobs.job, undefined);
  } finally {
    await jobs.stop();
    await other.end({ timeout: 0 });
  }
});
