import assert from "node:assert/strict";
import { AlertState } from "../../services/alerts/evaluation/state.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { ingestSource } from "../../services/alerts/evaluation/sources.ts";
import type { IngestCounters } from "../../services/ingest/service.ts";
import { type CanaryOptions, createCanary } from "../../services/alerts/evaluation/canary.ts";
import { createEventLoopWatch } from "../../services/monitor/collect/event_loop.ts";
import { createFeeds, type FeedsReport } from "../../services/ingest/judge/feeds.ts";
import { metricValues } from "../../services/monitor/health/metric_values.ts";
import { signals } from "../../services/monitor/signals/list.ts";
import {
  completeSignals,
  readLeftOut,
  readSignals,
  type Signal,
  type View,
} from "../../services/monitor/signals/signal.ts";
import type { Snapshot } from "../../services/monitor/snapshot.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import { partitionMetrics } from "../../services/partitions/report/metrics.ts";
import type { MetricValue } from "../../services/alerts/alert.ts";
import { systemClock } from "../../lib/clock.ts";
import { createLogger } from "../../log.ts";

const log = createLogger({ level: "error", write: () => {} });

const hour = 3_600;
const day = 24 * hour;
const GiB = 1024 ** 3;
const explain = { evidence: () => [], cure: () => [] };

/** The rules (switched on) that fire on readings which hold for their whole time. */
function firing(values: MetricValue[]): string[] {
  const state = new AlertState({ instance: "" });
  const rules = shippedRules.map((rule) => ({ ...rule, enabled: true }));
  for (const now of [0, day * 1000]) {
    state.judge(rules, values, { now, complete: new Set(), explain });
  }
  return state.open().map(({ rule, severity }) => `${rule} ${severity}`);
}

const value = (metric: string, value: number | null): MetricValue[] => [
  { metric, scope: "", value },
];

Deno.test("backups that are old, unproven or damaged, and WAL that waits to be archived", () => {
  assert.deepEqual(firing(value("backup_age_seconds", 27 * hour)), ["backup_age warning"]);
  assert.deepEqual(firing(value("backup_age_seconds", 50 * hour)), ["backup_age critical"]);
  assert.deepEqual(firing(value("backup_unproven_seconds", 51 * hour)), [
    "backup_unproven warning",
  ]);
  assert.deepEqual(firing(value("backup_problems", 1)), ["backup_problems warning"]);
  assert.deepEqual(firing(value("archive_lag_seconds", hour)), ["archive_lag critical"]);
  assert.deepEqual(firing(value("backup_age_seconds", 25 * hour)), []);
  assert.deepEqual(firing(value("backup_unproven_seconds", 49 * hour)), []);
  assert.deepEqual(firing(value("backup_problems", 0)), []);
  assert.deepEqual(firing(value("archive_lag_seconds", 300)), []);
  assert.deepEqual(firing(value("backup_age_seconds", null)), [], "what is unknown fires nothing");
});

Deno.test("backups and WAL that have not been copied for a long time", () => {
  assert.deepEqual(firing(value("backup_copy_age_seconds", 27 * hour)), [
    "backup_copy_age warning",
  ]);
  assert.deepEqual(firing(value("backup_copy_lag_seconds", 6 * hour)), [
    "backup_copy_lag critical",
  ]);
  assert.deepEqual(firing(value("backup_copy_age_seconds", 25 * hour)), []);
  assert.deepEqual(firing(value("backup_copy_lag_seconds", 900)), []);
  assert.deepEqual(firing(value("backup_copy_age_seconds", null)), [], "nothing is copied");
});

Deno.test("uploads that a full disk refuses", () => {
  const source = (diskFullSince: number | undefined) =>
    ingestSource({
      ingest: { counters: () => ({ diskFullSince }) as IngestCounters },
      feeds: createFeeds({ clock: systemClock }),
    });
  assert.deepEqual(firing(source(1).values()), ["disk_full critical"]);
  assert.deepEqual(firing(source(undefined).values()), []);
});

Deno.test("a disk that is full soon", () => {
  assert.deepEqual(firing(value("disk_full_seconds", 23 * hour)), ["disk_full_soon warning"]);
  assert.deepEqual(firing(value("disk_full_seconds", 4 * hour)), ["disk_full_soon critical"]);
  assert.deepEqual(firing(value("disk_full_seconds", 25 * hour)), []);
  assert.deepEqual(firing(value("disk_full_seconds", null)), [], "a disk that is not visible");
  const rules = shippedRules.filter(({ name }) => name === "disk_full_soon");
  const state = new AlertState({ instance: "" });
  for (const seconds of [0, 1_700]) {
    const now = seconds * 1_000;
    state.judge(rules, value("disk_full_seconds", hour), { now, complete: new Set(), explain });
  }
  assert.deepEqual(state.open(), [], "a load of half an hour");
});

Deno.test("statements that became slower", () => {
  assert.deepEqual(firing(value("statement_regressions", 1)), ["statement_regression warning"]);
  assert.deepEqual(firing(value("statement_regressions", 0)), []);
  assert.deepEqual(firing(value("statement_regressions", null)), []);
});

Deno.test("a plan that changed and became more expensive", () => {
  assert.deepEqual(firing(value("plan_cost_times", 2)), ["plan_regression warning"]);
  assert.deepEqual(firing(value("plan_cost_times", 1.9)), []);
  assert.deepEqual(firing(value("plan_cost_times", null)), []);
});

Deno.test("monitoring that is expensive, and collectors that are skipped", () => {
  assert.deepEqual(firing(value("monitor_cost_ratio", 0.3)), ["watching_cost warning"]);
  assert.deepEqual(firing(value("monitor_cost_ratio", 0.2)), []);
  assert.deepEqual(firing(value("collectors_resting", 1)), ["watching_sheds warning"]);
  assert.deepEqual(firing(value("collectors_resting", 0)), []);
});

Deno.test("an event loop that is blocked for seconds", () => {
  /** What is known after ten timers, one of which came late. */
  const watch = (heldMs: number) => {
    let time = 0;
    let tick = () => {};
    const { lag, values, start } = createEventLoopWatch({
      now: () => time,
      schedule: (job) => {
        tick = job;
        return () => {};
      },
    });
    time += 60_000; // the start of the process does not count
    start();
    for (let nth = 0; nth < 10; nth++) {
      time += nth === 5 ? 100 + heldMs : 100;
      tick();
    }
    assert.equal(lag().worst_ms, heldMs);
    return firing(values());
  };
  assert.deepEqual(watch(3_000), ["event_loop_lag warning"]);
  assert.deepEqual(watch(12_000), ["event_loop_lag critical"]);
  assert.deepEqual(watch(300), []);
});

Deno.test("a collector whose query the server refuses", () => {
  const failing = (value: number | null): MetricValue[] => [
    { metric: "collector_failing", scope: "bloat", value },
  ];
  assert.deepEqual(firing(failing(1)), ["collector_failing warning"]);
  assert.deepEqual(firing(failing(0)), []);
  assert.deepEqual(firing(failing(null)), []);
});

Deno.test("indexes that no query uses", () => {
  assert.deepEqual(firing(value("unused_index_bytes", 11 * GiB)), ["unused_index warning"]);
  assert.deepEqual(firing(value("unused_index_bytes", 9 * GiB)), []);
});

/** Values of Citus as they are read from the rows of its collectors; nothing where there are none. */
function ofCitus(rows: Record<string, unknown[]>): MetricValue[] {
  const view = { rows: (name: string) => rows[name] } as unknown as View;
  const own = signals.filter(({ name }) => name.startsWith("citus_"));
  return readSignals(own, view).map(({ name, scope, value }) => ({ metric: name, scope, value }));
}

const citusNode = (node: string, over: object = {}) => ({
  node,
  active: true,
  takes_shards: true,
  answers: true,
  ...over,
});

Deno.test("a node of Citus that is away, and one that answers", () => {
  const nodes = (over: object) =>
    ofCitus({ citus_nodes: [citusNode("a:1"), citusNode("b:1", over)] });
  assert.deepEqual(firing(nodes({ answers: false })), ["citus_node_down critical"]);
  assert.deepEqual(firing(nodes({ active: false })), ["citus_node_down critical"]);
  assert.deepEqual(firing(nodes({})), []);
  assert.deepEqual(ofCitus({}), [], "without Citus there is nothing to judge");
});

Deno.test("a distributed table that is uneven, and one that is even", () => {
  const table = "market.ticks";
  const part = (node: string, bytes: number | null) => ({
    table,
    node,
    shards: 4,
    bytes,
    rows_estimate: bytes,
  });
  const citus_nodes = ["a:1", "b:1", "c:1"].map((node) => citusNode(node));
  const uneven = (...parts: unknown[]) => ofCitus({ citus_nodes, citus_shards: parts });
  const valueOf = (values: MetricValue[], name: string) =>
    values.find(({ metric }) => metric === name)?.value;
  const bad = uneven(part("a:1", 8 * GiB), part("b:1", GiB));
  assert.deepEqual(firing(bad), ["citus_shard_skew warning"]);
  assert.deepEqual(
    ["citus_shard_skew", "citus_table_bytes", "citus_table_rows"].map((name) => valueOf(bad, name)),
    [8 / 3, 9 * GiB, 9 * GiB],
    "a node without shards counts",
  );
  assert.deepEqual(
    firing(uneven(part("a:1", 3 * GiB), part("b:1", 3 * GiB), part("c:1", GiB))),
    [],
  );
  assert.deepEqual(firing(uneven(part("a:1", 1_000))), [], "a small table is not judged");
  const unread = uneven(part("a:1", 8 * GiB), part("b:1", null));
  assert.deepEqual(firing(unread), []);
  for (const name of ["citus_shard_skew", "citus_table_bytes", "citus_table_rows"]) {
    assert.equal(valueOf(unread, name), null, "unknown, and not 0");
  }
});

Deno.test("an alert about a table does not end because fifty others are worse", () => {
  const lag: Signal = {
    name: "autovacuum_lag",
    unit: "ratio",
    collector: "tables",
    of: "table",
    about: "",
    read: ({ rows }) => rows("tables")?.map((row) => ({ scope: row.table, value: row.vacuum_lag })),
  };
  const state = new AlertState({ instance: "" });
  const rules = shippedRules.filter(({ metric }) => metric === lag.name);
  const read = (tables: readonly string[], second: number) => {
    const rows = tables.map((table) => ({ table, vacuum_lag: 1_000 }));
    const view = { rows: () => rows } as unknown as View;
    const values = [...readSignals([lag], view), ...readLeftOut([lag], view)]
      .map(({ name, scope, value }) => ({ metric: name, scope, value }));
    const complete = new Set(completeSignals([lag], view));
    state.judge(rules, values, { now: second * 1_000, complete, explain });
    return state.open().map(({ scope }) => scope);
  };
  const others = Array.from({ length: 50 }, (_, n) => `public.t${n}`);
  read(["public.first"], 0);
  assert.deepEqual(read(["public.first"], hour), ["public.first"]);
  assert.deepEqual(read([...others, "public.first"], 2 * hour), ["public.first"]);
  assert.ok(read([...others, "public.first"], 3 * hour).includes("public.first"));
  read(others, 4 * hour);
  assert.ok(!read(others, 5 * hour).includes("public.first"), "it was dropped");
});

/** The names of all metrics that are measured, from what measures them. */
function measured(): Set<string> {
  const snapshot = {
    signals: signals.map(({ name }) => ({ name, scope: "", value: null })),
    access: {},
    metrics: { connections_used: null },
    backups: { problems: [] },
    pool: { acquire_wait_ms: {} },
    plans: [{ scope: "", times: 1 }],
    tables: [],
  };
  const feeds = { report: () => ({ feeds: [{ symbol: "", age_seconds: 0 }] }) as FeedsReport };
  const ingest = { counters: () => ({}) as IngestCounters };
  const canary = createCanary({
    preparation: { isStarted: () => false },
    access: { ...createWriteAccess({ clock: systemClock, log }), canWrite: () => false },
    isDiskFull: () => false,
    clock: systemClock,
    everyMs: 1_000,
  } as unknown as CanaryOptions);
  const loop = createEventLoopWatch({ schedule: () => () => {} });
  const values = [
    ...metricValues(snapshot as unknown as Snapshot),
    ...[canary, loop, ingestSource({ ingest, feeds })].flatMap((source) => source.values()),
  ];
  return new Set([...values.map(({ metric }) => metric), ...partitionMetrics]);
}

Deno.test("every rule judges a metric that is measured", () => {
  const known = measured();
  assert.deepEqual(shippedRules.filter(({ metric }) => !known.has(metric)), []);
});

Deno.test("no rule fires on an unknown value", () => {
  const metrics = new Set(shippedRules.map(({ metric }) => metric));
  assert.deepEqual(firing([...metrics].flatMap((metric) => value(metric, null))), []);
});

Deno.test("a job of TimescaleDB that failed", () => {
  assert.deepEqual(firing(value("timescale_job_failing", 1)), ["timescale_job_failing warning"]);
  assert.deepEqual(firing(value("timescale_job_failing", 0)), []);
  assert.deepEqual(firing(value("timescale_job_failing", null)), []);
});
