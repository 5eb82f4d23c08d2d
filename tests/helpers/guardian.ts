import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { migrate } from "../../db/migrate.ts";
import { readClocks, recordClock } from "../../db/partitions/records/restraint.ts";
import { migrations } from "../../db/migrations/list.ts";
import { createPool } from "../../db/pool/pool.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import type { ExecutionOptions } from "../../services/partitions/execution/execution.ts";
import { openEndingLink } from "./ending_link.ts";
import { createConversions } from "../../services/partitions/rewrite/service.ts";
import { createPolicies, type PolicyInput } from "../../services/partitions/policy_service.ts";
import { createRotation } from "../../services/partitions/rotation.ts";
import type { ClockSource } from "../../services/partitions/restraint/timekeeper.ts";
import { startServer, type TestServer } from "./server.ts";

/** Rotation on a server of its own, under a clock that a test sets. */
export interface Guarded {
  sql: Sql;
  major: number;
  target: Target;
  logs: LogFields[];
  server: TestServer;
  /** Rotation and policies as they would be at `now`, with connections of their own (as `user`). */
  at(now: string, more?: GuardedOptions): Guardian;
  /** Leaves of a table: name to bound, oldest name first. */
  leaves(table: string): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

export interface GuardedOptions extends Pick<ExecutionOptions, "pause"> {
  user?: string;
  /** Sees each change before it happens, and ends the guardian there where it answers true; see `ending_link.ts`. */
  endsBefore?: (what: string) => boolean;
  maxPartitions?: number;
  archiveDir?: string;
  lockTimeoutMs?: number;
  /**
   * Left out: the server's time is the test's own, no rotation before this one is known, and nothing is held back.
   * With it rotations are restrained as in life; times in milliseconds.
   */
  restraint?: { ratio?: number; serverNow?: () => number; monotonic?: () => number };
}

export type Guardian = ReturnType<typeof createGuardian>;

export const someDays: PolicyInput = {
  interval: "1 day",
  time_zone: "UTC",
  key: "timestamptz",
  premake: 2,
  retention: null,
  cooldown: "7 days",
  seal: false,
  enabled: true,
  windows: null,
  sub_interval: null,
};

function createGuardian(target: Target, now: string, logs: LogFields[], options: GuardedOptions) {
  const clock = { time: new Date(now), now: () => clock.time };
  const link = options.endsBefore && target.kind === "socket"
    ? openEndingLink(target, options.endsBefore)
    : undefined;
  const pool = createPool({
    target: link?.target ?? target,
    max: 4,
    applicationName: "guardian",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 500,
    pooler: { pooled: false },
    waitingMax: 10,
  });
  const config = {
    HOLDFAST_PREMAKE_DAYS: 1,
    HOLDFAST_RETENTION_DAYS: 0,
    HOLDFAST_MAX_PARTITIONS: options.maxPartitions ?? 10_000,
    HOLDFAST_BACKFILL_HORIZON_DAYS: 7,
    HOLDFAST_DATA_DIR: ".",
    HOLDFAST_ARCHIVE_DIR: options.archiveDir ?? "/nonexistent/archive",
    HOLDFAST_RETENTION_BRAKE_RATIO: options.restraint ? options.restraint.ratio ?? 0.1 : 1,
  };
  const { pause = () => Promise.resolve() } = options;
  const ownTime = () => clock.now().getTime();
  const { serverNow = ownTime, monotonic = ownTime } = options.restraint ?? {};
  const source: ClockSource = {
    read: async (sql) => ({
      recorded: options.restraint ? (await readClocks(sql)).recorded : undefined,
      server: serverNow(),
    }),
    record: (sql, ms, anew) => options.restraint ? recordClock(sql, ms, anew) : Promise.resolve(),
  };
  const log = createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) });
  const policies = createPolicies({ pool, config });
  const conversions = createConversions({
    pool,
    policies,
    config,
    clock,
    log,
    goesOn: false,
    pause,
  });
  const rotation = createRotation({
    pool,
    catalogue: createCatalogue(),
    config,
    clock,
    log,
    beginDrain: conversions.beginDrain,
    times: { source, monotonic },
    pause,
    ...(link ? { archiveFiles: link.files } : {}),
  });
  return {
    rotation,
    pool,
    policies,
    conversions,
    clock,
    put: (table: string, some: Partial<PolicyInput> = {}) =>
      policies.put(table, { ...someDays, ...some }),
    async [Symbol.asyncDispose]() {
      await pool.end();
      link?.close();
    },
  };
}

/** Rotation on a server that is there already. */
export function startGuardedOn(target: Target, now: string, options: GuardedOptions): Guardian {
  return createGuardian(target, now, [], options);
}

export async function startGuarded(
  settings: Record<string, string> = {},
  options: { checksums?: boolean } = {},
): Promise<Guarded> {
  const server = await startServer(settings, options);
  const sql = connectSql({
    target: server.target,
    max: 4,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  const [{ version } = { version: 0 }] = await sql<{ version: number }[]>`
    select current_setting('server_version_num')::int / 10000 as version`;
  if (version !== server.major) throw new Error(`The server is ${version}, not ${server.major}`);
  const one = connectSql({
    target: server.target,
    max: 1,
    applicationName: "migrate",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  await migrate(one, migrations);
  await one.end();
  // Each test has tables of its own; ticks would only add to every plan.
  await sql`update holdfast.partition_policies set enabled = false`;
  const logs: LogFields[] = [];
  return {
    sql,
    major: server.major,
    target: server.target,
    server,
    logs,
    at: (now, { user, ...more } = {}) =>
      createGuardian(user ? { ...server.target, user } : server.target, now, logs, more),
    async leaves(table) {
      const rows = await sql<{ name: string; bound: string }[]>`
        select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = ${table}::regclass and not i.inhdetachpending
        order by 1`;
      return Object.fromEntries(
        rows.map(({ name, bound }) => [name, bound.replace(/^FOR VALUES FROM /, "")]),
      );
    },
    async stop() {
      await sql.end({ timeout: 2 });
      await server.stop();
    },
  };
}
