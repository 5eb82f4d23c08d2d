import assert from "node:assert/strict";
import { backup } from "../../commands/backup.ts";
import { demo } from "../../commands/demo.ts";
import { doctor } from "../../commands/doctor.ts";
import type { CommandContext } from "../../commands/serve.ts";
import { connectSql, type Sql } from "../../db/connection.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { freePort, startProcess } from "../helpers/process.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

let server: TestServer;
let sql: Sql;
let folder: string;
let env: Record<string, string>;

Deno.test.beforeAll(async () => {
  server = await startServer();
  const { target } = server;
  folder = await Deno.makeTempDir({ prefix: "holdfast-commands-" });
  sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
  env = {
    DATABASE_URL: `postgres://${target.user}@localhost:${target.port}/${target.database}?host=${
      encodeURIComponent(target.directory)
    }`,
    HOLDFAST_DATA_DIR: folder,
    HOLDFAST_BACKUP_DIR: `${folder}/backups`,
    PORT: String(freePort()),
  };
});
Deno.test.afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

async function run(...args: string[]) {
  const command = startProcess({ env, args });
  const code = await command.exited;
  return { code, output: command.output(), errors: command.errors() };
}

const leaves = async () => {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from pg_inherits where inhparent = 'market.ticks'::regclass`;
  return row?.count;
};

Deno.test("a command that only reads changes nothing, also where there is nothing yet", async () => {
  const bare = await run("backup", "--list");
  assert.equal(bare.code, 1);
  assert.match(bare.errors, /^Cannot start: The database lacks market, .*deno task serve once/m);
  const [made] = await sql`select 1 from pg_namespace where nspname in ('holdfast', 'market')`;
  assert.equal(made, undefined);

  const app = await startApp(env);
  await (await app.post("/api/ticks?create=true", [
    { ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 },
  ])).body?.cancel();
  await app.stop();
  await sql`
    update holdfast.partition_policies set premake = 30, updated_at = now() where table_name = 'ticks'`;
  const before = await leaves();
  const listed = await run("backup", "--list");
  assert.deepEqual([listed.code, listed.output], [0, "There are no backups\n"], listed.errors);
  const exported = await run("export", "--out", "-", "--format", "csv");
  assert.equal(exported.code, 0, exported.errors);
  assert.match(exported.output, /,SPY,1,1,/);
  assert.equal(await leaves(), before);
});

Deno.test("the demo feeds nothing into a database that has instruments, unless it is told to", async () => {
  const ticks = async () => (await sql`select count(*)::int as count from market.ticks`)[0]?.count;
  const before = await ticks();
  const shy = startProcess({ env, args: ["demo"] });
  await eventually(() => shy.logged("demo_sends_nothing").length > 0, "it says so", 30_000);
  shy.kill("SIGTERM");
  assert.equal(await shy.exited, 0);
  assert.equal(await ticks(), before);
  const bold = startProcess({ env, args: ["demo", "--force"] });
  await eventually(() => bold.logged("demo_running").length > 0, "it feeds", 30_000);
  bold.kill("SIGTERM");
  assert.equal(await bold.exited, 0);
  assert.ok(await ticks() > before);
});

Deno.test("a command that has only flags ignores no other argument", async () => {
  const untouched = {} as CommandContext;
  for (const [name, command] of Object.entries({ backup, demo, doctor })) {
    await assert.rejects(command(untouched, ["20260131T093000Z-1f3a5c"]), {
      message: `${name} takes no 20260131T093000Z-1f3a5c; see deno task ${name} --help`,
    });
  }
});

Deno.test("flags that no command has are refused, help helps, and a setting that is none is named", async () => {
  for (const command of ["serve", "demo", "doctor", "backup", "token"]) {
    const refused = await run(command, "--bogus");
    assert.equal(refused.code, 1);
    assert.match(refused.errors, new RegExp(`--bogus.*see deno task ${command} --help`));
    const helped = await run(command, "--help");
    assert.deepEqual([helped.code, helped.errors], [0, ""]);
    assert.match(helped.output, new RegExp(`^deno task ${command}`));
  }
  const command = startProcess({ env: { ...env, HOLDFAST_RETENTON_DAYS: "5" }, args: ["doctor"] });
  await command.exited;
  assert.match(command.output(), /HOLDFAST_RETENTON_DAYS is not a setting of Holdfast/);
  const weak = startProcess({
    env: { ...env, HOLDFAST_TOKEN: "hunter2hunter3" },
    args: ["doctor"],
  });
  assert.notEqual(await weak.exited, 0);
  assert.match(weak.output(), /✗ {2}HOLDFAST_TOKEN has \d+ bits at most/);
  assert.doesNotMatch(weak.output(), /hunter/);
});
