import { createHoldfasts } from "../../app/fleet/holdfasts.ts";
import type { Holdfast } from "../../app/holdfast.ts";
import { type Config, readConfig } from "../../config/config.ts";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { serveHttp } from "../../runtime/http/serve.ts";
import { upgrade } from "../../runtime/http/web_socket.ts";
import type { Clock } from "../../lib/clock.ts";
import { readClocks, recordClock } from "../../db/partitions/records/restraint.ts";
import type { TimeSources } from "../../services/partitions/restraint/timekeeper.ts";
import { passOverDriver } from "./rejections.ts";
import { fillDataDir } from "./template.ts";

passOverDriver();

/** A whole Holdfast for one test file: its own embedded Postgres in a temporary folder, a free port. */
export interface TestApp {
  url: string;
  holdfast: Holdfast;
  config: Config;
  /** A plain connection to its database, past Holdfast. */
  sql: Sql;
  /** The same as the embedded server's superuser; beside another server, as `sql`. */
  admin: Sql;
  /** What it has logged; the last `logsMax` lines. */
  logs: LogFields[];
  request(path: string, init?: RequestInit): Promise<Response>;
  json<T>(path: string, init?: RequestInit): Promise<T>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

/** The server's clock as the test's own, which jumps as it does: rotations go by it. */
function timesOf(clock: Clock): TimeSources {
  const now = () => clock.now().getTime();
  return {
    source: {
      read: async (sql) => ({ ...await readClocks(sql), server: now() }),
      record: recordClock,
    },
    monotonic: now,
  };
}

/**
 * `clock` is the server's too, as far as rotations go, unless `ownOnly` says that it is Holdfast's alone. `logsMax`: lines of
 * its log that are kept; all when left out, which a long run has no memory for.
 */
export async function startApp(
  env: Record<string, string> = {},
  { clock, ownOnly = false, logsMax = Infinity }: {
    clock?: Clock;
    ownOnly?: boolean;
    logsMax?: number;
  } = {},
): Promise<TestApp> {
  const dataDir = env.HOLDFAST_DATA_DIR ?? await Deno.makeTempDir({ prefix: "holdfast-test-" });
  if (!env.HOLDFAST_DATA_DIR) {
    await Deno.chmod(dataDir, 0o755);
    if (!env.DATABASE_URL) await fillDataDir(dataDir);
  }
  const config = readConfig(
    // The tests run on its event loop: what blocks it says nothing about Holdfast.
    {
      HOLDFAST_DATA_DIR: dataDir,
      PORT: "0",
      HOLDFAST_ALERT_EVENT_LOOP_LAG_ENABLED: "0",
      ...env,
    },
    Deno.readTextFileSync,
  );
  const logs: LogFields[] = [];
  const log = createLogger({
    level: "debug",
    write(line) {
      logs.push(JSON.parse(line));
      if (logs.length > logsMax) logs.shift();
    },
  });
  const holdfast = await createHoldfasts({
    config,
    log,
    upgrade,
    version: "0.0.0-test",
    ...(clock ? { clock } : {}),
    ...(clock && !ownOnly ? { times: timesOf(clock) } : {}),
  });
  const server = await serveHttp({
    host: "127.0.0.1",
    port: 0,
    ...holdfast.listening,
    handle: (request, remote) => holdfast.handle(request, remote),
  });
  await holdfast.start();
  const url = `http://127.0.0.1:${server.port}`;
  const connect = (target: Target) =>
    connectSql({
      target,
      max: 2,
      applicationName: "test",
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
      pooled: false,
    });
  const { target } = holdfast;
  const sql = connect(target);
  const admin = connect(target.kind === "socket" ? { ...target, user: "postgres" } : target);
  const request = (path: string, init?: RequestInit) => fetch(url + path, init);
  return {
    url,
    holdfast,
    config,
    sql,
    admin,
    logs,
    request,
    async json<T>(path: string, init?: RequestInit) {
      const response = await request(path, init);
      return await response.json() as T;
    },
    post: (path, body, headers = {}) =>
      request(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" || body instanceof Uint8Array
          ? body as BodyInit
          : JSON.stringify(body),
      }),
    async stop() {
      await Promise.all([sql.end({ timeout: 2 }), admin.end({ timeout: 2 })]);
      holdfast.closeLive();
      await server.stop();
      await holdfast.stop();
      if (!env.HOLDFAST_DATA_DIR) await Deno.remove(dataDir, { recursive: true });
    },
  };
}
