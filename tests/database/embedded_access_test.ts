import assert from "node:assert/strict";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { closeAccess, isClosed, openAccess } from "../../db/embedded/host_access.ts";
import { isVerifierOf, scramVerifier } from "../../db/embedded/secrets.ts";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { findBinaries } from "../helpers/server.ts";
import { unprivilegedUser } from "../../db/embedded/command.ts";
import { runCommand } from "../../db/embedded/command.ts";
import { fillDataDir } from "../helpers/template.ts";

const oldAccess = "local all all trust\nlocal replication all trust\n";

async function withDataDir(
  work: (dir: string, open: () => Promise<EmbeddedServer>, logs: LogFields[]) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-access-" });
  await Deno.chmod(dir, 0o755);
  const logs: LogFields[] = [];
  const log = createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) });
  const servers: EmbeddedServer[] = [];
  const open = async () => {
    const server = await createEmbeddedServer({ dataDir: dir, log });
    servers.push(server);
    return server;
  };
  try {
    await work(dir, open, logs);
  } finally {
    for (const server of servers) await server.stop();
    await Deno.remove(dir, { recursive: true });
  }
}

async function as<T>(target: Target, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

const withoutPassword = ({ passwordFile: _, ...target }: EmbeddedServer["target"]) => target;

async function assertClosed(server: EmbeddedServer): Promise<void> {
  for (const user of ["postgres", "holdfast"]) {
    for (const database of ["postgres", "holdfast"]) {
      const stranger = withoutPassword({ ...server.target, user, database });
      await assert.rejects(() => as(stranger, (sql) => sql`select 1`), { code: "28P01" });
    }
  }
}

async function assertOwnRole(server: EmbeddedServer): Promise<void> {
  await as(server.target, async (sql) => {
    const [role] = await sql`
      select rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
        (select array_agg(r.rolname::text order by 1) from pg_auth_members as m join pg_roles as r
          on r.oid = m.roleid where m.member = u.oid) as groups,
        has_database_privilege(current_database(), 'create') as creates
      from pg_roles as u where rolname = current_user`;
    assert.deepEqual({ ...role }, {
      rolname: "holdfast",
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolbypassrls: false,
      rolreplication: true,
      groups: ["pg_monitor", "pg_signal_backend"],
      creates: true,
    });
    await assert.rejects(() => sql`alter system set work_mem = '5MB'`, { code: "42501" });
    await assert.rejects(() => sql`select pg_read_file('/etc/passwd')`, { code: "42501" });
    await assert.rejects(() => sql`copy (select 1) to program 'true'`, { code: "42501" });
  });
}

Deno.test("a new embedded server lets nobody in without a password, and Holdfast's role is no superuser", async () => {
  await withDataDir(async (dir, open) => {
    const server = await open();
    await server.start();
    await assertClosed(server);
    await assertOwnRole(server);
    const { mode } = await Deno.stat(`${dir}/pgpass`);
    assert.equal((mode ?? 0) & 0o777, 0o600);
    // Root passes its server through: its group may enter, and nobody may list.
    const home = await Deno.stat(dir);
    assert.equal((home.mode ?? 0) & 0o777, Deno.uid() === 0 ? 0o710 : 0o700);
    assert.equal((await Deno.stat(`${dir}/postgres`)).mode! & 0o777, 0o700);
    const passwords = await Deno.readTextFile(`${dir}/pgpass`);
    await server.stop();
    await server.start();
    assert.equal(await Deno.readTextFile(`${dir}/pgpass`), passwords, "they stay");
    const secrets = [...passwords.matchAll(/:([^:\n]{20,})$/gm)].map((match) => match[1] ?? "");
    assert.equal(secrets.length, 2);
    const log = await Deno.readTextFile(`${dir}/postgres.log`);
    assert.ok(secrets.every((secret) => !log.includes(secret)), "the log has no password");
  });
});

/** Makes the cluster of a data directory what an earlier version left: open, without the role, owned by the superuser. */
async function makeOld(dir: string, server: EmbeddedServer): Promise<void> {
  await server.start();
  await as(server.admin, async (sql) => {
    await sql.unsafe(`
      create schema shop;
      create type shop.mood as enum ('calm');
      create domain shop.amount as int check (value > 0);
      create table shop.orders (
        id serial primary key, number int generated always as identity, mood shop.mood, amount shop.amount
      );
      create table shop.days (day date) partition by range (day);
      create table shop.day partition of shop.days for values from ('2026-01-01') to ('2026-01-02');
      create view shop.calm as select * from shop.orders;
      create materialized view shop.summed as select count(*) from shop.orders;
      create function shop.one(int) returns int language sql as 'select 1';
      create procedure shop.nothing() language sql as '';
      create aggregate shop.summing(int) (sfunc = int4pl, stype = int);
      create statistics shop.stats on id, amount from shop.orders;
      create function shop.told() returns event_trigger language plpgsql as 'begin end';
      create event trigger told on ddl_command_end execute function shop.told();
      insert into shop.orders (mood, amount) values ('calm', 7)`);
    await sql.unsafe("reassign owned by holdfast to postgres");
  });
  await as({ ...server.admin, database: "postgres" }, async (sql) => {
    await sql.unsafe("revoke all on database holdfast from holdfast");
  });
  await as(server.admin, async (sql) => {
    await sql.unsafe("drop owned by holdfast; drop role holdfast");
    await sql.unsafe("alter role postgres password null");
  });
  await Deno.writeTextFile(`${dir}/postgres/pg_hba.conf`, oldAccess);
  await Deno.remove(`${dir}/pgpass`);
}

async function assertUpgraded(server: EmbeddedServer): Promise<void> {
  await assertClosed(server);
  await assertOwnRole(server);
  await as(server.target, async (sql) => {
    assert.deepEqual([...await sql`select amount from shop.orders`], [{ amount: 7 }]);
    await sql.unsafe(`
      alter table shop.orders add column note text;
      insert into shop.orders (mood, amount) values ('calm', 8);
      drop table shop.day;
      refresh materialized view shop.summed;
      drop schema shop cascade`).catch((error) => assert.fail(String(error)));
  });
}

Deno.test("a cluster of an earlier version is closed at its next start, and everything in it is its role's", async () => {
  await withDataDir(async (dir, open, logs) => {
    await fillDataDir(dir);
    await makeOld(dir, await open());
    await (await open()).stop();
    const server = await open();
    assert.equal(await server.start(), "started");
    assert.ok(logs.some(({ event }) => event === "embedded_postgres_handed_over"));
    // Dropping the schema drops the event trigger's function: only its owner, the superuser, may.
    await as(server.admin, (sql) => sql`drop event trigger told`);
    await assertUpgraded(server);
  });
});

Deno.test("an orphan of an earlier version is closed while it runs", async () => {
  await withDataDir(async (dir, open) => {
    await fillDataDir(dir);
    await makeOld(dir, await open());
    const { pgCtl } = await findBinaries("18");
    await runCommand(pgCtl, ["reload", "--pgdata", `${dir}/postgres`], {
      as: unprivilegedUser(),
      timeoutMs: 10_000,
    });
    const server = await open();
    assert.equal(await server.start(), "adopted");
    await as(server.admin, (sql) => sql`drop event trigger told`);
    await assertUpgraded(server);
  });
});

Deno.test("a lost password file is made anew, whether the server runs or not", async () => {
  await withDataDir(async (dir, open) => {
    await fillDataDir(dir);
    const server = await open();
    await server.start();
    const before = await Deno.readTextFile(`${dir}/pgpass`);
    await Deno.remove(`${dir}/pgpass`);
    assert.equal(await server.start(), "adopted");
    await assertClosed(server);
    await assertOwnRole(server);
    const second = await Deno.readTextFile(`${dir}/pgpass`);
    assert.notEqual(second, before);
    await server.stop();
    await Deno.remove(`${dir}/pgpass`);
    assert.equal(await server.start(), "started");
    await assertClosed(server);
    await assertOwnRole(server);
  });
});

Deno.test("a start that was cut short while the passwords were set is begun again", async () => {
  await withDataDir(async (dir, open) => {
    await fillDataDir(dir);
    const file = `${dir}/postgres/pg_hba.conf`;
    await Deno.writeTextFile(file, openAccess(await Deno.readTextFile(file)));
    const server = await open();
    await server.start();
    assert.ok(isClosed(await Deno.readTextFile(file)));
    await assertClosed(server);
  });
});

Deno.test("lines of others in pg_hba.conf stay, save those that let anybody local in", () => {
  const others = "# ours\nhost all all 10.0.0.0/8 scram-sha-256\n";
  const text = closeAccess(`${oldAccess}local  all   app  trust  # old\n${others}`);
  assert.ok(isClosed(text));
  assert.ok(text.endsWith(others));
  assert.doesNotMatch(text, /trust/);
  assert.equal(closeAccess(text), text);
  assert.equal(isClosed(openAccess(text)), false);
  assert.equal(closeAccess(openAccess(text)), text);
  assert.equal(isClosed(oldAccess), false);
});

Deno.test("a password is stored as SCRAM-SHA-256 has it (RFC 7677)", () => {
  // The example of RFC 7677, section 3: user "user", password "pencil".
  const salt = Uint8Array.from(atob("W22ZaJ0SNY7soEsUEjb6gQ=="), (c) => c.charCodeAt(0));
  const verifier = scramVerifier("pencil", salt);
  assert.equal(
    verifier,
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
  assert.ok(isVerifierOf(verifier, "pencil"));
  assert.ok(!isVerifierOf(verifier, "pencils"));
  assert.ok(!isVerifierOf(null, "pencil"));
  assert.ok(!isVerifierOf("md5abc", "pencil"));
});
