import { readConfig } from "../../config/config.ts";
import type { Sql, Target } from "../../db/connection.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { openPools } from "../../db/pool/open.ts";
import { createLogger } from "../../log.ts";
import type { MetricValue } from "../../services/alerts/alert.ts";
import { AlertState } from "../../services/alerts/evaluation/state.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { reportBackups } from "../../services/backups/report.ts";
import { createHub } from "../../services/live/hub.ts";
import { createChanges } from "../../services/monitor/diagnosis/changes.ts";
import { createHistory } from "../../services/monitor/history/history.ts";
import { createIncidents } from "../../services/monitor/incidents/incidents.ts";
import { createMonitor, type Monitor } from "../../services/monitor/service.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";

/** A monitor of a prepared database, with nothing else of Holdfast; its pools can be wrapped. */
export interface LoneMonitor {
  monitor: Monitor;
  /** Alerts of the shipped rules if every value of the last turn held for a day, as `rule:scope`. */
  firing(): string[];
  stop(): Promise<void>;
}

/** A pool whose connections ask `rewrite(text)` where the work asks for `text`. */
export function rewriting(pool: Pool, rewrite: (text: string) => string): Pool {
  const seen = (sql: Sql) =>
    new Proxy(sql, {
      get(target, name) {
        const found = Reflect.get(target, name);
        if (name !== "unsafe") return found;
        return (text: string, ...rest: unknown[]) =>
          Reflect.apply(found as (...args: unknown[]) => unknown, target, [rewrite(text), ...rest]);
      },
    });
  return {
    ...pool,
    run: (work, options) => pool.run((sql) => work(seen(sql)), options),
  };
}

/** Migrates the database at `target` and makes a monitor for it; starts no loop. */
export async function createLoneMonitor(
  target: Target,
  { wrap = (pool) => pool, now = () => Date.now() }: {
    wrap?: (pool: Pool) => Pool;
    now?: () => number;
  } = {},
): Promise<LoneMonitor> {
  const config = readConfig({});
  const pools = openPools(target, { pooled: false }, config);
  await pools.maintenance.run((sql) => migrate(sql, migrations), { deadlineMs: 60_000 });
  const log = createLogger({ level: "error", write: () => {} });
  const clock = { now: () => new Date(now()) };
  const [fastPool, slowPool] = [wrap(pools.watchFast), wrap(pools.watchSlow)];
  const access = createWriteAccess({ clock, log });
  access.noteSchema(true);
  const history = createHistory({
    writer: slowPool,
    reader: pools.app,
    config,
    access,
    clock,
    log,
  });
  const changes = createChanges({ now });
  let values: readonly MetricValue[] = [];
  let complete: ReadonlySet<string> = new Set();
  const monitor = createMonitor({
    fastPool,
    slowPool,
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
    changedPlans: { present: () => undefined },
    alerts: {
      evaluate: (judged, _explain, known) => {
        values = judged;
        complete = known ?? complete;
      },
      firing: () => [],
    },
    hub: createHub({ clock }),
    config,
    clock,
    history,
    changes,
    writeWatch: { ...access, check: () => Promise.resolve() },
    incidents: createIncidents({
      pool: slowPool,
      reader: pools.app,
      history,
      changes,
      access,
      now,
      log,
    }),
    log,
  });
  return {
    monitor,
    firing() {
      const book = new AlertState({ instance: "" });
      const explain = { evidence: () => [], cure: () => [] };
      for (const at of [0, 86_400_000]) {
        book.judge(shippedRules, values, { now: at, complete: new Set(complete), explain });
      }
      return book.open().map(({ rule, scope }) => scope ? `${rule}:${scope}` : rule);
    },
    async stop() {
      await monitor.stop();
      await Promise.all(Object.values(pools).map((pool) => pool.end()));
    },
  };
}
