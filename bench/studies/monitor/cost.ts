/**
 * Measures the cost of monitoring for the database: each tier runs repeatedly on 2,001 partitions with 6,003 indexes, and
 * the time of its statements is read from pg_stat_statements.
 * `deno task bench:monitor [leaves] [rounds] [--pg-bin DIR] [--statements 5]` runs on the embedded server, or on one of the
 * programs in DIR, such as /usr/lib/postgresql/15/bin, and shows that many of the most expensive statements.
 */
import { parseArgs } from "node:util";
import { readConfig } from "../../../config/config.ts";
import { type Tier, tiers } from "../../../db/collectors/collector.ts";
import { connectSql, type Sql, type Target } from "../../../db/connection.ts";
import { migrate } from "../../../db/migrate.ts";
import { migrations } from "../../../db/migrations/list.ts";
import { openPools } from "../../../db/pool/open.ts";
import { createLogger } from "../../../log.ts";
import { systemClock } from "../../../lib/clock.ts";
import { reportBackups } from "../../../services/backups/report.ts";
import { createHub } from "../../../services/live/hub.ts";
import { createChanges } from "../../../services/monitor/diagnosis/changes.ts";
import { createIncidents } from "../../../services/monitor/incidents/incidents.ts";
import { createHistory } from "../../../services/monitor/history/history.ts";
import { createMonitor } from "../../../services/monitor/service.ts";
import { createWriteAccess } from "../../../services/monitor/write_access/access.ts";
import { createCatalogue } from "../../../services/partitions/catalogue.ts";
import { startInstalledServer } from "../../installed_server.ts";
import { startTempServer } from "../../temp_server.ts";
import { fillCatalogue, fillStatements } from "./database.ts";
import { exporterPath, startExporter } from "./exporter.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { "pg-bin": { type: "string" }, statements: { type: "string", default: "5" } },
  allowPositionals: true,
});
const leaves = Number(positionals[0] ?? 2_001);
const rounds = Number(positionals[1] ?? 15);
const bin = values["pg-bin"];
/** Settings of a server of given programs, needed to count costs; others have defaults, jit included. */
const settings = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.max=10000"];
/** Runs before the counted ones: after a start, each 30 s tick measures the sizes of 200 leaves, until all are known. */
const warmUps = 3 + Math.ceil(leaves / 200);
const limits: Partial<Record<Tier, number>> = { stats: 60, slow: 250, hourly: 1_000 };
const names: Record<Tier, string> = {
  fast: "5 s: activity, locks",
  stats: "30 s: statistics, partitions",
  slow: "5 min: sizes, tables",
  hourly: "1 h: indexes, bloat",
};

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

interface Cost {
  ms: number;
  statements: number;
  /** Milliseconds by the beginning of the statement's text. */
  byText: Map<string, number>;
}

/** Returns the cost of a role's statements since the last call, and resets its statistics. */
async function takeCost(sql: Sql, role: string = "holdfast_bench"): Promise<Cost> {
  const rows = await sql<{ ms: number; calls: number; text: string }[]>`
    select
      sum(total_exec_time + total_plan_time) as ms,
      sum(calls)::float8 as calls,
      left(regexp_replace(regexp_replace(query, '--[^\\n]*\\n', '', 'g'), '\\s+', ' ', 'g'), 90) as text
    from pg_stat_statements
    where userid = ${role}::text::regrole and toplevel
    group by 3`;
  // Only those of the role, so that the many other entries stay.
  await sql`select pg_stat_statements_reset(${role}::text::regrole, 0, 0)`;
  return {
    ms: rows.reduce((sum, row) => sum + row.ms, 0),
    statements: rows.reduce((sum, row) => sum + row.calls, 0),
    byText: new Map(rows.map(({ text, ms }) => [text, ms])),
  };
}

/** Returns a line for each of the statements that cost most: its mean over these rounds, and in how many of them it ran. */
function mostExpensive(costs: Cost[]): string[] {
  const texts = new Set(costs.flatMap(({ byText }) => [...byText.keys()]));
  return [...texts]
    .map((text) => {
      const ms = costs.map(({ byText }) => byText.get(text)).filter((one) => one !== undefined);
      return {
        text,
        mean: ms.reduce((sum, one) => sum + one, 0) / costs.length,
        ran: ms.length,
      };
    })
    .sort((one, other) => other.mean - one.mean)
    .slice(0, Number(values.statements))
    .map(({ text, mean, ran }) =>
      `${mean.toFixed(1).padStart(8)} ms in ${String(ran).padStart(2)}  ${text}`
    );
}

const rowOf = (costs: Cost[]) => {
  const ms = costs.map((cost) => cost.ms);
  return `${median(costs.map(({ statements }) => statements))} | ${median(ms).toFixed(1)} | ${
    Math.max(...ms).toFixed(1)
  }`;
};

const server = bin ? await startInstalledServer(bin, { settings }) : await startTempServer();
if (server.target.kind !== "socket") throw new Error("The server has no socket");
const { directory, database } = server.target;
const admin = connectSql({
  target: server.target,
  max: 1,
  applicationName: "bench",
  statementTimeoutMs: 600_000,
  lockTimeoutMs: 10_000,
  pooled: false,
});
try {
  await admin`create extension if not exists pg_stat_statements`;
  await admin`create role holdfast_bench login password 'bench' in role pg_monitor`;
  await admin.unsafe(`grant create on database ${database} to holdfast_bench`);
  // Planning counts too; pg_stat_statements omits it by default.
  await admin`alter system set pg_stat_statements.track_planning = on`;
  await admin`select pg_reload_conf()`;
  const target: Target = {
    kind: "url",
    url: `postgres://holdfast_bench:bench@localhost/${database}?host=${
      encodeURIComponent(directory)
    }`,
  };
  const config = readConfig({ DATABASE_URL: target.url });
  const pools = openPools(target, { pooled: false }, config);
  await pools.maintenance.run((sql) => migrate(sql, migrations), { deadlineMs: 60_000 });
  const log = createLogger({ level: "warn", write: (line) => console.error(line) });
  const access = createWriteAccess({ clock: systemClock, log });
  access.noteSchema(true);
  const history = createHistory({
    writer: pools.watchSlow,
    reader: pools.app,
    config,
    access,
    clock: systemClock,
    log,
  });
  const changes = createChanges({ now: Date.now });
  const monitor = createMonitor({
    fastPool: pools.watchFast,
    slowPool: pools.watchSlow,
    appPool: pools.app,
    catalogue: createCatalogue(),
    ingest: {
      counters: () => ({
        accepted: 0,
        quarantined: 0,
        byReason: {},
        diskFullSince: undefined,
        lanes: { active: 0, waiting: 0 },
      }),
    },
    changedPlans: { present: () => undefined },
    reads: { report: () => undefined },
    backups: {
      report: () =>
        reportBackups({
          records: [],
          archive: { enabled: false, lagSeconds: null, problem: undefined },
          scheduled: false,
          startedAt: 0,
          now: 0,
          problems: [],
        }),
    },
    alerts: { evaluate: () => {}, firing: () => [] },
    writeWatch: { ...access, check: () => Promise.resolve() },
    hub: createHub({ clock: systemClock }),
    config,
    clock: systemClock,
    history,
    changes,
    incidents: createIncidents({
      pool: pools.watchSlow,
      reader: pools.app,
      history,
      changes,
      access,
      now: Date.now,
      log,
    }),
    log,
  });
  console.log(`making ${leaves} partitions …`);
  await fillCatalogue(admin, leaves);
  await fillStatements(admin, 4_000);
  const [counted] = await admin`
    select
      (select count(*) from pg_inherits where inhparent = 'market.ticks'::regclass)::int as leaves,
      (select count(*) from pg_index as x join pg_inherits as i on i.inhrelid = x.indrelid
        where i.inhparent = 'market.ticks'::regclass)::int as indexes,
      (select count(*) from pg_stat_statements(false))::int as statements,
      version() as build,
      (select boot_val from pg_settings where name = 'jit') as jit`;
  // Every session of Holdfast has jit off; a session with jit on shows whether the server supports it.
  const [able] = await admin.begin(async (sql) => {
    await sql`set local jit = on`;
    return await sql`select pg_jit_available() as yes`;
  });
  const results: string[] = [];
  const where: string[] = [];
  for (const tier of tiers) {
    // These fill the caches of the catalogue, and of bounds, sizes and texts in Holdfast.
    for (let warm = 0; warm < warmUps; warm++) await monitor.runNow(tier);
    await takeCost(admin);
    const costs: Cost[] = [];
    for (let round = 0; round < rounds; round++) {
      await monitor.runNow(tier);
      costs.push(await takeCost(admin));
    }
    where.push(
      `${names[tier]}, means of its statements, and rounds in which they ran:`,
      ...mostExpensive(costs),
    );
    const ms = costs.map((cost) => cost.ms);
    const limit = limits[tier];
    results.push(
      `| ${names[tier]} | ${rowOf(costs)} | ${limit ?? "–"} | ${
        limit === undefined ? "–" : median(ms) <= limit ? "yes" : "NO"
      } |`,
    );
  }
  await history.upkeep();
  await takeCost(admin);
  await history.upkeep();
  results.push(`| each minute: rolling history up | ${rowOf([await takeCost(admin)])} | – | – |`);
  if (exporterPath) {
    const exporter = await startExporter(admin, { directory, database });
    try {
      for (let warm = 0; warm < 3; warm++) await exporter.scrape();
      await takeCost(admin, exporter.role);
      const costs: Cost[] = [];
      for (let round = 0; round < rounds; round++) {
        await exporter.scrape();
        costs.push(await takeCost(admin, exporter.role));
      }
      results.push(
        `| prometheus-postgres-exporter ${exporter.version}, a scrape | ${rowOf(costs)} | – | – |`,
      );
    } finally {
      await exporter.stop();
    }
  } else console.log("prometheus-postgres-exporter is not installed: nothing to compare with");
  console.log(
    `\n${counted?.build}\njit ${counted?.jit} by default, ${
      able?.yes ? "available" : "not available"
    }; load average ${Deno.loadavg().map((load) => load.toFixed(1)).join(" ")}`,
  );
  console.log(
    `\n${counted?.leaves} partitions, ${counted?.indexes} indexes of partitions, ${counted?.statements} statements known, ${rounds} rounds\n`,
  );
  console.log("| tier | statements | database ms, median | worst | limit | held |");
  console.log("| --- | --- | --- | --- | --- | --- |");
  console.log(results.join("\n"));
  console.log(`\n${where.join("\n")}`);
  await monitor.stop();
  await Promise.all(Object.values(pools).map((pool) => pool.end()));
} finally {
  await admin.end({ timeout: 2 });
  await server.stop();
}
