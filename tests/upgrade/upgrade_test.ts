import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { connectSql, type Sql } from "../../db/connection.ts";
import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import { closeAccess } from "../../db/embedded/host_access.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { listClosedDatabases } from "../../db/upgrade/accounts.ts";
import { openReader, readContent } from "../../db/upgrade/transfer.ts";
import { countTicks, createFleet } from "../helpers/fleet.ts";
import { eventually } from "../helpers/eventually.ts";
import { postmastersOf, startProcess } from "../helpers/process.ts";
import { findBinaries, startServer } from "../helpers/server.ts";
import { debianPostgres, slowTests, testWith } from "../helpers/skip.ts";

const { start, newFolder, newDataDir, clear } = createFleet();
Deno.test.afterAll(clear);

const as = unprivilegedUser();
/** Debian's 15 cannot read 17. HOLDFAST_TEST_PG_DUMP names one of elsewhere. */
const newDump = [
  Deno.env.get("HOLDFAST_TEST_PG_DUMP") ?? "",
  "/usr/lib/postgresql/17/bin/pg_dump",
  "/usr/lib/postgresql/18/bin/pg_dump",
].find((path) => path !== "" && existsSync(path));

/** Opens a client of a test's own on a socket, as superuser. */
const open = (directory: string, database: string): Sql =>
  connectSql({
    target: { kind: "socket", directory, port: 5432, user: "postgres", database },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

/** What a Holdfast and its operator may have put into the database `holdfast`. */
const contents = `
  set role holdfast;
  insert into market.instruments (symbol) values ('SPY'), ('BAC');
  create schema desk;
  create type desk.side as enum ('buy', 'sell');
  create table desk.accounts (
    id bigint generated always as identity primary key,
    name text not null unique,
    balance numeric(20, 4) not null,
    doubled numeric generated always as (balance * 2) stored
  );
  create table desk.fills (
    id bigserial,
    account bigint not null references desk.accounts,
    side desk.side not null,
    at timestamptz not null,
    price double precision,
    note text,
    raw bytea,
    tags text[],
    extra jsonb,
    primary key (id, at)
  ) partition by range (at);
  create table desk.fills_1 partition of desk.fills
    for values from ('2026-01-01') to ('2026-02-01');
  create table desk.fills_2 partition of desk.fills
    for values from ('2026-02-01') to ('2026-03-01');
  create index on desk.fills (account, at);
  create table desk."Odd name; drop table x" ("a ""b""" int, gone int, kept int);
  alter table desk."Odd name; drop table x" drop column gone;
  insert into desk."Odd name; drop table x" values (1, 2);
  create table desk.nothing ();
  insert into desk.accounts (name, balance)
    select 'account ' || i, i * 1.25 from generate_series(1, 100) as i;
  insert into desk.fills (account, side, at, price, note, raw, tags, extra)
    select
      1 + i % 100,
      (array['buy', 'sell'])[1 + i % 2]::desk.side,
      '2026-01-01'::timestamptz + i * interval '4 minutes',
      case when i % 7 = 0 then 'nan' when i % 11 = 0 then '-infinity' else 1 / (i + 0.1) end,
      case when i % 3 = 0 then null else E'line\\n\\ttab \\\\. 日本 ' || i end,
      decode(md5(i::text), 'hex'),
      array['a', null, '{"}'],
      jsonb_build_object('n', i)
    from generate_series(1, 20000) as i;
  create materialized view desk.totals as
    select account, count(*) as fills from desk.fills group by account;
  create function desk.twice(x numeric) returns numeric language sql as $$
    -- \\restrict stays
    select x * 2
  $$;
  create function desk.note_change() returns trigger language plpgsql as
    'begin raise exception ''no change''; end';
  create trigger changed before update on desk.accounts
    for each row execute function desk.note_change();
  alter table desk.accounts enable row level security;
  create policy everybody on desk.accounts using (true);
  comment on table desk.accounts is 'who trades';
  grant select on desk.fills to reader;
  select setval('desk.fills_id_seq', 31337, false);
  reset role;`;

/** Makes a data directory as a Holdfast of an older Postgres left it. */
async function makeOldDataDir(bin: string, { withContents = true } = {}): Promise<string> {
  const dir = await newFolder();
  const cluster = `${dir}/postgres`;
  const sockets = `${dir}/socket`;
  for (const path of [cluster, sockets]) {
    await Deno.mkdir(path, { mode: 0o700 });
    if (as) await Deno.chown(path, as.uid, as.gid);
  }
  const run = async (tool: string, args: string[]) => {
    const { code, output } = await runCommand(`${bin}/${tool}`, [...args, "--pgdata", cluster], {
      as,
      timeoutMs: 60_000,
    });
    assert.equal(code, 0, output);
  };
  await run("initdb", ["-U", "postgres", "--auth", "trust", "-E", "UTF8", "--locale", "C", "-N"]);
  if (withContents) {
    const options = `-c listen_addresses= -c unix_socket_directories=${sockets} -c fsync=off`;
    await run("pg_ctl", ["start", "--wait", "--log", `${sockets}/log`, "--options", options]);
    try {
      await fill(sockets);
    } finally {
      await run("pg_ctl", ["stop", "--mode", "fast", "--wait"]);
    }
  }
  await Deno.writeTextFile(`${cluster}/pg_hba.conf`, closeAccess(""));
  await Deno.writeTextFile(`${cluster}/postgresql.auto.conf`, "work_mem = '7MB'\n");
  return dir;
}

async function fill(sockets: string): Promise<void> {
  const admin = open(sockets, "postgres");
  await admin.unsafe(
    `create role holdfast login replication in role pg_monitor;
    create role reader login connection limit 3;
    grant reader to holdfast with admin option;
    alter role reader set search_path = desk, "$user";`,
  );
  for (const name of ["holdfast", `the desk's "other"`]) {
    await admin.unsafe(`create database "${name.replaceAll('"', '""')}" owner holdfast`);
  }
  await admin.unsafe("alter database holdfast set work_mem = '5MB'");
  await admin.end();
  const sql = open(sockets, "holdfast");
  await sql.unsafe("set role holdfast");
  await migrate(sql, migrations);
  await sql.unsafe("reset role");
  await sql.unsafe("create extension if not exists pg_stat_statements");
  await sql.unsafe(contents);
  await sql.end();
  const other = open(sockets, `the desk's "other"`);
  await other.unsafe("create table t as select i from generate_series(1, 10) as i");
  await other.end();
}

/** Runs `main.ts upgrade` with what its task allows. */
async function upgrade(dir: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=files", "--allow-run", "main.ts", "upgrade", ...args],
    cwd: new URL("../..", import.meta.url),
    env: { HOLDFAST_DATA_DIR: dir, NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), errors: text(stderr) };
}

const versionOf = (dir: string, cluster = "postgres") =>
  Deno.readTextFile(`${dir}/${cluster}/PG_VERSION`);

/** Serves the upgraded directory, and checks what is in it through the API and as superuser. */
async function assertServes(dir: string, { next = 31337 } = {}): Promise<void> {
  const app = start(dir);
  await app.ready();
  assert.equal(await countTicks(app.url), 0);
  const pass = await Deno.readTextFile(`${dir}/pgpass`);
  const password = /:postgres:(.*)/.exec(pass)?.[1];
  const url = `postgres://postgres:${password}@/holdfast?host=${
    encodeURIComponent(`${dir}/socket`)
  }`;
  const sql = connectSql({
    target: { kind: "url", url },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  try {
    const [row] = await sql`
      select
        (select count(*)::int from desk.fills) as fills,
        (select sum(doubled)::text from desk.accounts) as doubled,
        (select count(*)::int from desk.totals) as totals,
        nextval('desk.fills_id_seq')::int as next,
        current_setting('work_mem') as memory,
        (select rolconfig from pg_roles where rolname = 'reader') as config,
        pg_has_role('holdfast', 'reader', 'usage') as member,
        obj_description('desk.accounts'::regclass) as comment,
        has_table_privilege('reader', 'desk.fills', 'select') as granted,
        to_regnamespace('holdfast_upgrade') as leftover`;
    assert.deepEqual({ ...row }, {
      fills: 20000,
      doubled: "12625.0000",
      totals: 100,
      next,
      memory: "5MB",
      config: [`search_path=desk, "$user"`],
      member: true,
      comment: "who trades",
      granted: true,
      leftover: null,
    });
    await assert.rejects(sql`update desk.accounts set name = 'x'`, /no change/);
  } finally {
    await sql.end();
    app.kill("SIGTERM");
    assert.equal(await app.exited, 0, app.errors());
  }
}

async function assertDryRun(dir: string): Promise<void> {
  const planned = await upgrade(dir, "--dry-run");
  assert.equal(planned.code, 0, planned.errors);
  assert.match(planned.out, /would move the database holdfast: \d+ tables, 20\d{3} rows/);
  assert.match(planned.out, /would not carry over: work_mem = '7MB'/);
  assert.deepEqual(
    [...Deno.readDirSync(dir)].map(({ name }) => name).sort(),
    ["holdfast.lock", "postgres", "socket"],
    "a dry run leaves nothing",
  );
}

testWith(
  debianPostgres,
  "a cluster of Postgres 15 is moved to 18 with everything in it, and kept until told",
  async () => {
    const dir = await makeOldDataDir(debianPostgres.bin);
    if (slowTests.present) await assertDryRun(dir);
    const moved = await upgrade(dir);
    assert.equal(moved.code, 0, moved.errors + moved.out);
    assert.match(moved.out, /holdfast: 20\d{3} rows of \d+ tables are equal/);
    assert.equal(await versionOf(dir), "18\n");
    assert.equal(await versionOf(dir, "postgres-15"), "15\n");
    assert.deepEqual(await postmastersOf(dir), []);
    if (!slowTests.present) return;
    await assertServes(dir);

    assert.match((await upgrade(dir)).out, /is of Postgres 18 already: nothing to do/);
    const told = await upgrade(dir, "--discard-old", "--dry-run");
    assert.match(told.out, /would remove .*\/postgres-15\n/);
    assert.equal(await versionOf(dir, "postgres-15"), "15\n");
    assert.equal((await upgrade(dir, "--discard-old")).code, 0);
    await assert.rejects(versionOf(dir, "postgres-15"), Deno.errors.NotFound);
    assert.equal(await versionOf(dir), "18\n");
  },
);

testWith(
  debianPostgres,
  "an upgrade is refused while a Holdfast runs on the directory",
  async () => {
    const dir = await newDataDir();
    const app = start(dir);
    await app.ready();
    const refused = await upgrade(dir);
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /Another Holdfast uses .*; stop it/);
    app.kill("SIGTERM");
    assert.equal(await app.exited, 0);
  },
);

testWith(
  debianPostgres,
  "what is missing for an upgrade is said with the way to get it",
  async () => {
    const dir = await makeOldDataDir(debianPostgres.bin, { withContents: false });
    const noServer = await upgrade(dir, "--old-bin", "/nowhere");
    assert.equal(noServer.code, 1);
    assert.match(
      noServer.errors,
      /\/nowhere\/pg_ctl does not exist; .*postgresql-15, or: npm install/,
    );
    const noDump = await upgrade(dir, "--pg-dump", "/nowhere/pg_dump");
    assert.match(noDump.errors, /pg_dump does not exist; install Debian's postgresql-client-15/);
    const wrong = await upgrade(dir, "--old-bin", dirname((await findBinaries("18")).pgCtl));
    assert.match(wrong.errors, /is of Postgres 18, the cluster of 15/);
    const early = await upgrade(dir, "--discard-old");
    assert.match(early.errors, /nothing is removed before an upgrade is complete/);
    const app = start(dir);
    assert.equal(await app.exited, 1);
    assert.match(
      app.errors(),
      /was made by Postgres 15, this Holdfast brings 18; deno task upgrade --dry-run shows/,
    );
  },
);

testWith(
  {
    what: `${debianPostgres.what} and ${slowTests.what}`,
    present: debianPostgres.present && slowTests.present,
  },
  "an upgrade that is killed at any moment goes on when it is run again",
  async () => {
    const dir = await makeOldDataDir(debianPostgres.bin);
    const lines = ["roles", "indexes, constraints", "are equal"];
    for (const line of lines) {
      const app = startProcess({
        args: ["upgrade"],
        env: { HOLDFAST_DATA_DIR: dir },
        allow: ["--allow-run"],
      });
      const ended = app.exited.then((code) => {
        throw new Error(
          `It ended with ${code} before it said ${line}: ${app.errors()}${app.output()}`,
        );
      });
      const said = eventually(
        () => new RegExp(line).test(app.output()),
        `it says ${line}`,
        120_000,
      );
      await Promise.race([said, ended]);
      ended.catch(() => {});
      app.kill("SIGKILL");
      await app.exited;
      assert.equal(await versionOf(dir), "15\n", "the old cluster stays in its place");
    }
    const moved = await upgrade(dir);
    assert.equal(moved.code, 0, moved.errors + moved.out);
    assert.match(moved.out, /are moved already/);
    await assertServes(dir);

    // Cut short between the two renames.
    await Deno.mkdir(`${dir}/upgrade`);
    await Deno.rename(`${dir}/postgres`, `${dir}/upgrade/postgres`);
    const app = start(dir);
    assert.equal(await app.exited, 1);
    assert.match(app.errors(), /interrupted at its last step; run deno task upgrade again/);
    const finished = await upgrade(dir);
    assert.equal(finished.code, 0, finished.errors);
    await assertServes(dir, { next: 31338 });
  },
);

testWith(
  {
    what: `npm's Postgres 17, a pg_dump of 17 and ${slowTests.what}`,
    present: slowTests.present && newDump !== undefined,
  },
  "a cluster of npm's Postgres 17 is moved with --old-bin",
  async () => {
    const bin = dirname((await findBinaries("17")).pgCtl);
    const dir = await makeOldDataDir(bin);
    const moved = await upgrade(dir, "--old-bin", bin, "--pg-dump", newDump ?? "");
    assert.equal(moved.code, 0, moved.errors + moved.out);
    await assertServes(dir);
  },
);

Deno.test("a table whose rows differ has another count or another hash, and a database that cannot be read is found", async () => {
  const server = await startServer();
  const sql = open(server.target.directory, "postgres");
  const signal = new AbortController().signal;
  const reader = await openReader(server.target, "postgres", signal);
  try {
    const table = (name: string) => ({
      schema: "public",
      name,
      bytes: 0,
      columns: ["i", "t"],
      writable: ["i", "t"],
    });
    await sql.unsafe(
      `create table a as select i, E'x\\n' || i as t from generate_series(1, 20000) as i;
      create table b as select * from a;
      create table c as select * from a;
      update c set t = 'y' where i = 1000;
      create table d as select * from a where i <> 1000;`,
    );
    const a = await readContent(reader, table("a"));
    assert.equal(a.rows, 20_000);
    assert.deepEqual(await readContent(reader, table("b")), a);
    const c = await readContent(reader, table("c"));
    assert.equal(c.rows, a.rows);
    assert.notEqual(c.sha256, a.sha256);
    assert.equal((await readContent(reader, table("d"))).rows, 19_999);
    await sql.unsafe("create database closed allow_connections false");
    assert.deepEqual(await listClosedDatabases(sql), ["closed"], "these would be left behind");
  } finally {
    reader.close();
    await sql.end();
    await server.stop();
  }
});
