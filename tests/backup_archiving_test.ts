import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedServer } from "../db/embedded/server.ts";
import { createLogger } from "../log.ts";
import { connectTo } from "./helpers/load.ts";
import { fillDataDir } from "./helpers/template.ts";

Deno.test("archiving whose beginning failed half-way is begun anew, not taken for begun", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-archiving-" });
  await Deno.chmod(dir, 0o755);
  await fillDataDir(dir);
  const log = createLogger({ level: "error", write: () => {} });
  const server = await createEmbeddedServer({ dataDir: dir, log });
  await server.start();
  const library = async () => {
    const sql = connectTo(dir);
    const [row] = await sql`select current_setting('archive_library', true) as library`;
    await sql.end();
    return row?.library;
  };
  try {
    const inTheWay = join(server.directory, "holdfast.conf.partial");
    await Deno.mkdir(inTheWay);
    await assert.rejects(() => server.startArchiving());
    assert.deepEqual(readdirSync(server.spool), [], "the spool is there already");
    assert.notEqual(await library(), "basic_archive");
    await Deno.remove(inTheWay);
    await server.startArchiving();
    assert.equal(await library(), "basic_archive");
    const sql = connectTo(dir);
    await sql`select pg_switch_wal()`;
    await sql.end();
    await server.startArchiving();
  } finally {
    await server.stop();
    await Deno.remove(dir, { recursive: true });
  }
});
