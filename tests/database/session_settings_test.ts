import assert from "node:assert/strict";
import postgres from "postgres";
import { createPool } from "../../db/pool/pool.ts";
import { type SessionPurpose, sessionSettings } from "../../db/session/settings.ts";
import { outsideTransaction } from "../../db/session/transaction.ts";
import { startBouncer } from "../helpers/bouncer.ts";
import { createDebianServer, type DebianServer } from "../helpers/debian.ts";
import { hostileValues, makeHostile } from "../helpers/hostile.ts";
import { freePort } from "../helpers/process.ts";
import { passOverDriver } from "../helpers/rejections.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, pgbouncer, testWith } from "../helpers/skip.ts";

passOverDriver();

let server: DebianServer;
Deno.test.beforeAll(async () => {
  if (!debianPostgres.present) return;
  server = await createDebianServer();
  await server.start();
});
Deno.test.afterAll(() => debianPostgres.present ? server.remove() : undefined);

const bounced = {
  what: `${pgbouncer.what} and ${debianPostgres.what}`,
  present: pgbouncer.present && debianPostgres.present,
};

/** What each setting must be in a session of a purpose, by its name in lower case. */
function expected(purpose: SessionPurpose): Map<string, string> {
  const own = Object.entries(sessionSettings).filter(([, one]) =>
    one.for === "all" || one.for === purpose || one.for === "own" && purpose !== "benchmark"
  );
  return new Map([
    ...own.map(([name, { value }]): [string, string] => [name.toLowerCase(), value]),
    ["search_path", purpose === "collector" ? "pg_catalog" : '"$user", public'],
    ["statement_timeout", "7s"],
    ["lock_timeout", "1s"],
    ["idle_in_transaction_session_timeout", "1min"],
  ]);
}

interface Found {
  name: string;
  now: string;
}

/** Compares the settings of a pool's session, by what the server says of each. */
async function check(
  url: string,
  purpose: SessionPurpose,
  hostile: readonly string[],
  pooler: { pooled: boolean; cautious?: boolean },
): Promise<void> {
  const pool = createPool({
    target: { kind: "url", url },
    max: 1,
    waitingMax: 1,
    applicationName: "settings",
    purpose,
    statementTimeoutMs: 7_000,
    lockTimeoutMs: 1_000,
    pooler,
  });
  const names = hostile.map((name) => name.toLowerCase());
  try {
    for (const way of ["run", "transaction"] as const) {
      const found = await pool[way]((sql) =>
        sql<Found[]>`
          select lower(s) as name, pg_catalog.current_setting(s) as now
          from pg_catalog.unnest(${names}::pg_catalog.text[]) as s`
      );
      const must = expected(purpose);
      const off = found.filter(({ name, now }) =>
        must.has(name) && must.get(name) !== now.replaceAll(/"(public|pg_catalog)"/g, "$1")
      );
      assert.deepEqual(off, [], `${purpose}, ${way}`);
      assert.ok(found.filter(({ name }) => must.has(name)).length > 25);
    }
  } finally {
    await pool.end();
  }
}

Deno.test("each setting of the list has a hostile value, which is another one", () => {
  const missing = Object.entries(sessionSettings).filter(([name, { value }]) =>
    (hostileValues[name] ?? value) === value
  );
  assert.deepEqual(missing, []);
});

async function prepare(
  superuserUrl: string,
  superuser: boolean,
  instead: Record<string, string | undefined> = {},
) {
  const admin = postgres(superuserUrl, { max: 1, onnotice: () => {} });
  const role = superuser ? "almighty" : "modest";
  await admin.unsafe(`drop database if exists of_${role} with (force)`);
  await admin.unsafe(`drop role if exists ${role}`);
  await admin.unsafe(`create role ${role} login ${superuser ? "superuser" : ""}`);
  await admin.unsafe(`create database of_${role} owner ${role}`);
  await admin.end();
  const to = (user: string) => {
    const url = new URL(superuserUrl);
    url.username = user;
    url.pathname = `/of_${role}`;
    return url.href;
  };
  const url = to("postgres");
  const hostile = await makeHostile({ url, role, database: `of_${role}`, superuser, instead });
  return { url: to(role), hostile, database: `of_${role}`, role };
}

Deno.test("the settings of a role, superuser or not, reach no session of any purpose", async () => {
  const port = freePort();
  const server = await startServer({ listen_addresses: "127.0.0.1", port: String(port) });
  try {
    const base = `postgres://postgres@127.0.0.1:${port}/postgres`;
    for (const superuser of [true, false]) {
      const { url, hostile } = await prepare(base, superuser);
      for (const purpose of ["work", "collector", "benchmark"] as const) {
        await check(url, purpose, hostile, { pooled: false });
        // As on a server that refused a setting of the startup packet.
        if (purpose !== "benchmark") {
          await check(url, purpose, hostile, { pooled: false, cautious: true });
        }
      }
    }
  } finally {
    await server.stop();
  }
});

testWith(debianPostgres, "on Debian's Postgres 15, too, and a collector has no jit", async () => {
  for (const superuser of [true, false]) {
    const { url, hostile } = await prepare(server.url, superuser);
    for (const purpose of ["work", "collector", "benchmark"] as const) {
      await check(url, purpose, hostile, { pooled: false });
    }
  }
  const pool = createPool({
    target: {
      kind: "url",
      url: server.url.replace("postgres@", "modest@").replace(/postgres$/, "of_modest"),
    },
    max: 1,
    waitingMax: 1,
    applicationName: "settings",
    purpose: "collector",
    statementTimeoutMs: 7_000,
    lockTimeoutMs: 1_000,
    pooler: { pooled: false },
  });
  try {
    const plan = await pool.run((sql) =>
      sql.unsafe(
        "explain (analyze, format text) select sum(n) from generate_series(1, 1000) as n",
      )
    );
    const text = plan.map((row) => row["QUERY PLAN"]).join("\n");
    assert.doesNotMatch(text, /JIT/);
  } finally {
    await pool.end();
  }
  // The same statement in a session of the role without Holdfast's settings, so that the test can fail.
  const raw = postgres(server.url, { max: 1, connection: { jit_above_cost: "0" } });
  const plan = await raw.unsafe(
    "explain (analyze, format text) select sum(n) from generate_series(1, 1000) as n",
  );
  assert.match(plan.map((row) => row["QUERY PLAN"]).join("\n"), /JIT/);
  await raw.end();
});

for (const mode of ["transaction", "session"] as const) {
  for (const swallows of [false, true]) {
    const how = swallows ? "swallows" : "refuses";
    testWith(
      bounced,
      `behind PgBouncer in ${mode} mode, which ${how} settings, each unit of work has them and leaves none behind`,
      async () => {
        // What a role does to the pooler's own sessions is the pooler's to bear.
        const { url, hostile, database, role } = await prepare(server.url, false, {
          statement_timeout: "3s",
          idle_session_timeout: undefined,
        });
        const bouncer = await startBouncer(server, {
          mode,
          settings: swallows
            ? "ignore_startup_parameters=statement_timeout,lock_timeout,idle_in_transaction_session_timeout," +
              Object.keys(sessionSettings).join(",") + ",search_path,holdfast.session\n"
            : "",
        });
        try {
          const through = bouncer.urlOf(role, database);
          const pooler = { pooled: false };
          for (const purpose of ["work", "collector"] as const) {
            await check(through, purpose, hostile, pooler);
          }
          assert.equal(pooler.pooled, true, "it was noticed");
          await leavesNothing(through, url, hostile);
        } finally {
          await bouncer.stop();
        }
      },
    );
  }
}

/** After Holdfast's work another client of the pooler finds each setting as its role has it. */
async function leavesNothing(through: string, direct: string, names: readonly string[]) {
  const tracked = new Set([
    "client_encoding",
    "datestyle",
    "timezone",
    "standard_conforming_strings",
  ]);
  const read = async (url: string) => {
    const sql = postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice: () => {} });
    try {
      const rows = await sql.unsafe<Found[]>(
        `select pg_catalog.lower(s) as name, pg_catalog.current_setting(s) as now from pg_catalog.unnest('{${
          names.join(",")
        }}'::pg_catalog.text[]) as s`,
      );
      return rows.filter(({ name }) => !tracked.has(name)).map(({ name, now }) => `${name} ${now}`);
    } finally {
      await sql.end();
    }
  };
  assert.deepEqual(await read(through), await read(direct));
}

testWith(
  bounced,
  "a statement outside a transaction is limited behind PgBouncer as well",
  async () => {
    const { sendOutsideTransaction } = await import("../../db/partitions/outside.ts");
    const bouncer = await startBouncer(server, { mode: "transaction" });
    const admin = postgres(server.url, { max: 1, onnotice: () => {} });
    const pool = createPool({
      target: { kind: "url", url: bouncer.urlOf("postgres", "postgres") },
      max: 2,
      waitingMax: 5,
      applicationName: "outside",
      statementTimeoutMs: 20_000,
      lockTimeoutMs: 1_000,
      pooler: { pooled: true },
    });
    try {
      await admin.unsafe("create table held (id int)");
      const holding = await admin.reserve();
      await holding.unsafe("begin; lock table held");
      const limits = { lockMs: 300, statementMs: 10_000 };
      const refused = await pool.run(async (sql) => {
        assert.ok(outsideTransaction(sql).pooled);
        return await sendOutsideTransaction(pool, sql, "vacuum held", limits).then(
          () => undefined,
          (error) => error.code,
        );
      });
      assert.equal(refused, "55P03");
      await holding.unsafe("rollback");
      holding.release();
      await pool.run((sql) => sendOutsideTransaction(pool, sql, "vacuum held", limits));
    } finally {
      await pool.end();
      await admin.end();
      await bouncer.stop();
    }
  },
);

testWith(
  bounced,
  "behind a pooler a statement that fails, or runs beside others, stands alone",
  async () => {
    const bouncer = await startBouncer(server, { mode: "transaction" });
    const pool = createPool({
      target: { kind: "url", url: bouncer.urlOf("postgres", "postgres") },
      max: 1,
      waitingMax: 5,
      applicationName: "alone",
      statementTimeoutMs: 5_000,
      lockTimeoutMs: 1_000,
      pooler: { pooled: true },
    });
    try {
      const answers = await pool.run(async (sql) => {
        await sql`create table numbers (id int primary key)`;
        const ids = sql`values (1), (2)`;
        const settled = await Promise.allSettled([
          sql`insert into numbers ${ids}`,
          sql`insert into numbers values (2)`,
          sql`insert into numbers values (3)`,
          sql.unsafe("insert into numbers values ($1::int)", [4]).values(),
        ]);
        const rows = await sql<{ id: number }[]>`select id from numbers order by id`;
        return { settled: settled.map(({ status }) => status), rows: rows.map(({ id }) => id) };
      });
      assert.deepEqual(answers, {
        settled: ["fulfilled", "rejected", "fulfilled", "fulfilled"],
        rows: [1, 2, 3, 4],
      });
      await assert.rejects(
        pool.run(async (sql) => {
          await sql`create table late (id int primary key deferrable initially deferred)`;
          await sql`insert into late values (1)`;
          await sql`insert into late values (1)`;
        }),
        "what fails at the commit has failed",
      );
    } finally {
      await pool.end();
      await bouncer.stop();
    }
  },
);
