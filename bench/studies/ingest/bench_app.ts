import { rm } from "node:fs/promises";
import { connectSql, type Sql, type Target } from "../../../db/connection.ts";
import { startInstalledServer } from "../../installed_server.ts";
import { startTempServer, urlOf } from "../../temp_server.ts";

/** A temporary server with a Holdfast process, as users run it; `stop` removes both. */
export interface BenchApp {
  server: string;
  target: Target;
  /** Arguments of psql for the connection. */
  psql: string[];
  port: number;
  pid: number;
  sql: Sql;
  stop(): Promise<void>;
}

interface Scratch {
  url: string;
  psql: string[];
  stop(): Promise<void>;
}

/** The settings of the embedded server, so that both servers are configured equally. */
const settings = [
  "shared_preload_libraries=pg_stat_statements",
  "shared_buffers=256MB",
  "max_wal_size=4GB",
  "wal_buffers=64MB",
  "checkpoint_timeout=15min",
  "wal_compression=on",
];

const root = new URL("../../../", import.meta.url);

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

async function embedded(): Promise<Scratch> {
  const { target, stop } = await startTempServer();
  const url = urlOf(target);
  return { url, psql: ["--dbname", url], stop };
}

/** Starts a cluster of the programs in `bin` over TCP. */
async function clusterOf(bin: string): Promise<Scratch> {
  const { target, stop } = await startInstalledServer(bin, { settings, port: freePort() });
  if (target.kind !== "url") throw new Error("The server is not reached over TCP");
  return { url: target.url, psql: ["--dbname", target.url], stop };
}

/** Returns the arguments of `deno task serve`, except for paths of settings, so that the study runs what users run. */
async function serveArguments(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  return String(tasks.serve).replaceAll(/ --allow-\w+="[^"]*"/g, "").split(" ").slice(1);
}

async function waitUntilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const response = await fetch(`http://127.0.0.1:${port}/api/health/ready`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("Holdfast did not become ready within 30 s");
}

/** Starts the server (embedded, or of the programs in `bin`) and a Holdfast on it with additional settings. */
export async function startBenchApp(
  bin: string | undefined,
  own: Record<string, string> = {},
): Promise<BenchApp> {
  const scratch = bin ? await clusterOf(bin) : await embedded();
  const port = freePort();
  const dataDir = await Deno.makeTempDir({ prefix: "holdfast-bench-" });
  const holdfast = new Deno.Command(Deno.execPath(), {
    args: await serveArguments(),
    cwd: root.pathname,
    env: {
      DATABASE_URL: scratch.url,
      PORT: String(port),
      HOLDFAST_DATA_DIR: dataDir,
      LOG_LEVEL: "warn",
      ...own,
    },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const target: Target = { kind: "url", url: scratch.url };
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "holdfast-bench",
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  const stop = async () => {
    await sql.end({ timeout: 2 });
    holdfast.kill("SIGTERM");
    await holdfast.status;
    await scratch.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(port);
    const [row] = await sql`select current_setting('server_version') as version`;
    const kind = bin ? "Postgres" : "embedded Postgres";
    return {
      server: `${kind} ${row?.version}`,
      target,
      psql: scratch.psql,
      port,
      pid: holdfast.pid,
      sql,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
