import assert from "node:assert/strict";
import postgres from "postgres";
import { walkApi } from "../helpers/api_walk.ts";
import { startBouncer } from "../helpers/bouncer.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { makeHostile } from "../helpers/hostile.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { freePort } from "../helpers/process.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, pgbouncer, slowTests, testWith } from "../helpers/skip.ts";

/** Times are the same on both sides, and all in the past. */
const start = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 3_600_000;

/** Two databases that differ in nothing but the settings of their roles. */
async function prepare(
  superuserUrl: string,
  { superuser, instead }: { superuser: boolean; instead?: Record<string, string | undefined> },
) {
  const to = (user: string, database: string) => {
    const url = new URL(superuserUrl);
    url.username = user;
    url.pathname = `/${database}`;
    return url.href;
  };
  for (const role of ["plain", "modest"]) {
    const admin = postgres(superuserUrl, { max: 1, onnotice: () => {} });
    await admin.unsafe(`create role ${role} login ${superuser ? "superuser" : ""}`);
    await admin.unsafe(`create database of_${role} owner ${role}`);
    await admin.unsafe(`grant pg_monitor to ${role}`);
    await admin.end();
    const own = postgres(to(role, `of_${role}`), { max: 1, onnotice: () => {} });
    await own.unsafe(`
      create schema app;
      create table app.orders (id bigint not null, body text) partition by range (id);
      create table app.orders_0 partition of app.orders for values from (0) to (1000);
      insert into app.orders values (10, 'x'), (900, 'y');
      create table app.events (
        id bigint primary key, at timestamptz not null, span interval default '1 day 02:00:00',
        price float8 default 0.30000000000000004, body bytea default '\\xdeadbeef',
        check (body <> '\\x00'::bytea), check (at > '2001-02-03 04:05:06+05:30'));
      create index "events at ""quoted""" on app.events (at desc nulls last, lower(encode(body, 'hex')));
      insert into app.events (id, at)
        select n, date_trunc('week', now()) - n * interval '1 hour' from generate_series(1, 50) as n;`);
    await own.end();
  }
  await makeHostile({
    url: to("postgres", "of_modest"),
    role: "modest",
    database: "of_modest",
    superuser,
    ...(instead ? { instead } : {}),
  });
  return to;
}

async function withApps(urls: [string, string], work: (apps: TestApp[]) => Promise<void>) {
  const apps: TestApp[] = [];
  try {
    for (const DATABASE_URL of urls) {
      apps.push(
        await startApp({
          DATABASE_URL,
          HOLDFAST_BROADCAST_SECONDS: "300",
          HOLDFAST_FAST_TIER_SECONDS: "300",
          HOLDFAST_INSTANCE: "walked",
        }),
      );
    }
    await work(apps);
  } finally {
    for (const app of apps) await app.stop();
  }
}

/** Walks both and compares each answer by name, so that a failure says where they part. */
async function assertEqualAnswers(urls: [string, string]): Promise<void> {
  await withApps(urls, async ([plain, hostile]) => {
    assert.ok(plain && hostile);
    const expected = await walkApi(plain, { start });
    const found = await walkApi(hostile, { start });
    assert.ok(expected.length > 60, "every GET and the nouns' writes");
    for (const [at, step] of expected.entries()) {
      assert.deepEqual(found[at], step, step.what);
    }
    const failed = expected.filter(({ status }) => status >= 500 && status !== 503);
    assert.deepEqual(failed, []);
    for (const app of [plain, hostile]) {
      const errors = app.logs.filter(({ level, msg }) =>
        level === "error" && !/backup/.test(String(msg))
      );
      assert.deepEqual(errors, []);
    }
  });
}

/** By default a superuser's on 18, whose every setting can be hostile, and a role's through PgBouncer on 15. */
const always = { what: "nothing", present: true };

for (const superuser of [true, false]) {
  const who = superuser ? "superuser" : "role";
  const name = `a ${who} with hostile settings gets the same answers from the whole API`;
  testWith(superuser ? always : slowTests, name, async () => {
    const port = freePort();
    const server = await startServer({ listen_addresses: "127.0.0.1", port: String(port) });
    try {
      const to = await prepare(`postgres://postgres@127.0.0.1:${port}/postgres`, { superuser });
      await assertEqualAnswers([to("plain", "of_plain"), to("modest", "of_modest")]);
    } finally {
      await server.stop();
    }
  });
}

const slowDebian = {
  what: `${slowTests.what} and ${debianPostgres.what}`,
  present: slowTests.present && debianPostgres.present,
};

testWith(slowDebian, "the same on Debian's Postgres 15", async () => {
  const server = await createDebianServer();
  await server.start();
  try {
    const to = await prepare(server.url, { superuser: false });
    await assertEqualAnswers([to("plain", "of_plain"), to("modest", "of_modest")]);
  } finally {
    await server.remove();
  }
});

testWith(
  {
    what: `${pgbouncer.what} and ${debianPostgres.what}`,
    present: pgbouncer.present && debianPostgres.present,
  },
  "the same through PgBouncer in transaction mode",
  async () => {
    const server = await createDebianServer();
    await server.start();
    const bouncer = await startBouncer(server);
    try {
      await prepare(server.url, {
        superuser: false,
        instead: { statement_timeout: "3s", idle_session_timeout: undefined },
      });
      await assertEqualAnswers([
        bouncer.urlOf("plain", "of_plain"),
        bouncer.urlOf("modest", "of_modest"),
      ]);
    } finally {
      await bouncer.stop();
      await server.remove();
    }
  },
);
