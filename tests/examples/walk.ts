import { requestExamples } from "../../routes/common/examples.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

/** One example sent (or an operation without a body asked), and what was answered. */
export interface Sent {
  operationId: string;
  /** Name of the example; undefined where the operation takes none. */
  example: string | undefined;
  path: string;
  method: string;
  status: number;
  type: string;
  body: unknown;
}

export interface Document {
  paths: Record<string, Record<string, { operationId: string }>>;
}

/** What a request needs that no document can know: the ids that there are, and digests of plans. */
interface Need {
  path?: Record<string, string | number>;
  query?: Record<string, string>;
  /** Fields of the example's body that depend on the server. */
  body?: Record<string, unknown>;
  /** Only this example; all of them when left out. */
  example?: string;
}

export const token = "a-token-of-this-server-32-letters";
const start = Date.parse("2026-01-31T09:31:00Z");
const day = 86_400_000;

interface Walk {
  app: TestApp;
  send<T = Record<string, unknown>>(operationId: string, need?: Need): Promise<T>;
  /** Asks until the answer is as wanted; only the last is kept. */
  until(operationId: string, need: Need, holds: (body: string) => boolean): Promise<void>;
  /** Sends what is no example. */
  prepare(path: string, body: unknown, headers?: Record<string, string>): Promise<void>;
}

type Ids = { id: string };

async function walkTicks({ send, until, prepare }: Walk): Promise<void> {
  // Before the rest leaves tables that a verdict would complain of.
  await until("getHealth", {}, (body) => body.includes('"checked_at":"'));
  const query = { create: "true" };
  await send("storeTicks", { query });
  const old = (days: number) => ({
    ts: new Date(start - days * day).toISOString(),
    symbol: "SPY",
    price: 600,
    size: 1,
  });
  await prepare("/api/ticks?create=true&backfill=true", [old(40), old(10)]);
  await prepare("/api/ticks", [old(0), ...[1, 2, 3, 4, 5, 6].map(() => old(9))]);
  await send("listTicks", { query: { symbol: "SPY" } });
  await send("listCandles", { query: { symbol: "SPY" } });
  await send("rebuildCandles");
  await send("getExactness", { query: { symbol: "SPY" } });
}

async function walkInstruments({ send }: Walk): Promise<void> {
  await send("createInstrument");
  const { instruments } = await send<{ instruments: { id: number; symbol: string }[] }>(
    "listInstruments",
  );
  const id = instruments.find(({ symbol }) => symbol === "IBM")?.id ?? 0;
  for (
    const operation of [
      "getInstrument",
      "updateInstrument",
      "deleteInstrument",
      "restoreInstrument",
    ]
  ) await send(operation, { path: { id } });
}

async function walkQuarantine({ send }: Walk): Promise<void> {
  const { quarantine } = await send<{ quarantine: Ids[] }>("listQuarantine");
  const [first, second, third] = quarantine.map(({ id }) => id);
  await send("retryQuarantinedRow", {
    path: { id: first ?? "" },
    query: { backfill: "true" },
    example: "again",
  });
  await send("retryQuarantinedRow", { path: { id: second ?? "" }, example: "corrected" });
  await send("discardQuarantinedRow", { path: { id: third ?? "" } });
  await send("retryQuarantine");
  await send("purgeQuarantine", { query: { reason: "stale" } });
}

async function walkPartitions({ app, send, until }: Walk): Promise<void> {
  await app.sql.unsafe(`
    create schema app;
    create table app.events (id bigint primary key, at timestamptz not null, body text);
    insert into app.events select n, now() - n * interval '1 hour', 'x' from generate_series(1, 100) as n;
    create table app.visits (at timestamptz not null) partition by range (at);
  `).simple();
  await send("setPartitionPolicy", { path: { table: "market.ticks" }, example: "ticks" });
  await send("setPartitionPolicy", { path: { table: "app.visits" }, example: "kept" });
  for (const operation of ["listPartitionPolicies", "listPartitionedTables"]) await send(operation);
  await send("getPartitionPolicy", { path: { table: "market.ticks" } });
  await send("planPartitions", { example: "table" });
  // What is archived must have been sealed before, and what is dropped archived: each is a plan of its own.
  for (let round = 0; round < 3; round++) {
    const { digest } = await send<{ digest: string }>("planPartitions", { example: "all" });
    await send("applyPartitionPlan", { body: { digest, confirm: true } });
  }
  const leaf = { table: "market.ticks", partition: "ticks_p20260121" };
  await send("getPartitionManifest", { query: leaf });
  await send("startPartitionVerification", { example: "all" });
  await until("getPartitionVerification", {}, (body) => !body.includes('"running":true'));
  await send("startPartitionVerification", { example: "table" });
  await send("listArchives");
  await send("restoreArchive");
  await send("unsealPartition");
  await send("listPartitionLog");
  const { digest } = await send<{ digest: string }>("convertTable", { example: "plan" });
  const { conversion: { id } } = await send<{ conversion: Ids }>("convertTable", {
    example: "start",
    body: { digest },
  });
  await until("listConversions", {}, (body) => body.includes('"phase":"swapped"'));
  await send("getConversion", { path: { id } });
  await send("getPartitionHealth");
  await send("deletePartitionPolicy", { path: { table: "app.visits" } });
}

async function walkAlerts({ send, until }: Walk): Promise<void> {
  await send("listAlertRules");
  await send("rehearseAlertRule");
  await send("changeAlertRules", { example: "level" });
  let alerts: { id: string; rule: string }[] = [];
  await until("listAlerts", {}, (body) => {
    alerts = JSON.parse(body).alerts;
    return alerts.some(({ rule }) => rule === "connections");
  });
  const id = alerts.find(({ rule }) => rule === "connections")?.id ?? "";
  await send("getAlert", { path: { id } });
  await send("acknowledgeAlert", { path: { id } });
  await send("changeAlertRules", { example: "reset" });
  const silence = await send<Ids>("createSilence", { example: "hour" });
  await send("createSilence", { example: "window" });
  await send("listSilences");
  await send("endSilence", { query: { id: silence.id } });
  await send("listChannels");
  await send("testChannel", { path: { name: "websocket" } });
  await send("listDeliveries");
}

async function walkBackups({ send, until }: Walk): Promise<void> {
  const { id } = await send<Ids>("startBackup");
  const path = { id };
  await until("getBackup", { path }, (body) => body.includes('"complete"'));
  await send("verifyBackup", { path });
  await until("getBackup", { path }, (body) => body.includes('"progress":null'));
  await send("listBackups");
  await send("deleteBackup", { path });
}

async function walkBenchmarks({ send }: Walk): Promise<void> {
  await send("listBenchmarkCases");
  const { id } = await send<Ids>("startBenchmarkRun");
  await send("abortBenchmarkRun", { path: { id } });
  await send("getBenchmarkRun", { path: { id } });
  await send("getBenchmarkReport", { path: { id } });
  for (
    const operation of ["listBenchmarkRuns", "getBenchmarkHistory", "getBenchmarkValidation"]
  ) await send(operation);
}

async function walkRehearsals({ send, until }: Walk): Promise<void> {
  const { id } = await send<Ids>("startRehearsal");
  await until("getRehearsal", { path: { id } }, (body) => !body.includes('"finished_at":null'));
  for (const operation of ["abortRehearsal", "getRehearsalReport"]) {
    await send(operation, { path: { id } });
  }
  await send("listRehearsals");
}

/** One statement of Holdfast's own, which has a text, a history and a plan. */
async function walkStatements({ send, until }: Walk): Promise<void> {
  let queries: { query_id: string; query: string | null }[] = [];
  await until("listQueries", {}, (body) => {
    queries = JSON.parse(body).queries;
    return queries.some(({ query }) => /^select/i.test(query ?? ""));
  });
  const id = queries.find(({ query }) => /^select/i.test(query ?? ""))?.query_id ?? "";
  const path = { id };
  await send("getStatement", { path });
  await until("getStatementHistory", { path }, (body) => body.includes('"ts"'));
  await send("getStatementPlan", { path });
}

async function walkAccess({ app, send, prepare }: Walk): Promise<void> {
  const { token: { id } } = await send<{ token: Ids }>("createToken");
  for (const operation of ["listTokens", "listAudit", "listInstances", "listDatabases"]) {
    await send(operation);
  }
  const rebuild = () =>
    prepare("/api/candles/rebuild", { symbol: "SPY" }, { prefer: "respond-async" });
  await rebuild();
  const { operations: [last] } = await send<{ operations: Ids[] }>("listOperations");
  if (last) await send("getOperation", { path: { id: last.id } });
  // A rebuild that waits for a lock is one that can be aborted.
  await app.sql.begin(async (sql) => {
    await sql`lock table market.candles_1m in access exclusive mode`;
    await rebuild();
    const [running] = await app.sql<Ids[]>`
      select id::text as id from holdfast.operations where status = 'running'`;
    if (running) await send("abortOperation", { path: { id: running.id } });
  });
  await send("revokeToken", { path: { id } });
}

const plainReads = [
  "listSessions",
  "listChanges",
  "listSettings",
  "getLiveness",
  "getReadiness",
  "getDatabaseHealth",
  "getFeedHealth",
  "getPerformanceHealth",
  "listLocks",
  "listIndexes",
  "listIncidents",
  "listMetrics",
  "getExposition",
  "getSession",
];

/**
 * Sends every example of the document to a real server in an order that makes sense, and returns what came back; where all
 * of `only` are plain reads, just these.
 */
export async function walkExamples(document: Document, only?: readonly string[]): Promise<Sent[]> {
  const archive = await Deno.makeTempDir({ prefix: "holdfast-archive-" });
  const clock = { now: () => new Date(start + performance.now() - began) };
  const began = performance.now();
  const app = await startApp({
    HOLDFAST_TOKEN: token,
    HOLDFAST_ARCHIVE_DIR: archive,
    HOLDFAST_FAST_TIER_SECONDS: "1",
  }, { clock });
  const authorization = `Bearer ${token}`;
  const places = new Map(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) =>
        [operationId, { path, method: method.toUpperCase() }] as const
      )
    ),
  );
  const sent: Sent[] = [];

  async function ask(operationId: string, need: Need, name?: string): Promise<Sent> {
    const { path: template, method } = places.get(operationId) ?? { path: "", method: "" };
    const path = template.replace(
      /\{(\w+)\}/g,
      (_, one) => encodeURIComponent(String(need.path?.[one])),
    );
    const example = name === undefined ? undefined : requestExamples[operationId]?.[name];
    const type = example?.type ?? "application/json";
    const value = need.body ? { ...example?.value as object, ...need.body } : example?.value;
    const answer = await app.request(`${path}?${new URLSearchParams(need.query)}`, {
      method,
      headers: { authorization, ...(example ? { "content-type": type } : {}) },
      ...(example ? { body: typeof value === "string" ? value : JSON.stringify(value) } : {}),
    });
    const text = await answer.text();
    const answered = answer.headers.get("content-type")?.split(";")[0] ?? "";
    return {
      operationId,
      example: name,
      path: template,
      method,
      status: answer.status,
      type: answered,
      body: answered.includes("json") ? JSON.parse(text) : text,
    };
  }

  const walk: Walk = {
    app,
    async send<T>(operationId: string, need: Need = {}) {
      const names = need.example === undefined
        ? Object.keys(requestExamples[operationId] ?? {})
        : [need.example];
      let body: unknown;
      for (const name of names.length > 0 ? names : [undefined]) {
        const one = await ask(operationId, need, name);
        sent.push(one);
        body = one.body;
      }
      return body as T;
    },
    async until(operationId, need, holds) {
      sent.push(
        await eventually(
          async () => {
            const one = await ask(operationId, need);
            const body = JSON.stringify(one.body);
            if (!holds(body)) throw new Error(`answered ${one.status} ${body.slice(0, 500)}`);
            return one;
          },
          `${operationId} answers as wanted`,
          // A rehearsal measures more on a busy machine.
          240_000,
        ),
      );
    },
    async prepare(path, body, headers = {}) {
      const answer = await app.request(path, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`Cannot prepare: ${await answer.text()}`);
      await answer.body?.cancel();
    },
  };
  try {
    if (only?.every((operation) => plainReads.includes(operation))) {
      await walk.app.holdfast.monitor.runNow("stats");
      for (const operation of only) await walk.send(operation);
      return sent;
    }
    for (
      const part of [
        walkTicks,
        walkInstruments,
        walkQuarantine,
        walkPartitions,
        walkAlerts,
        walkBackups,
        walkBenchmarks,
        walkRehearsals,
        walkAccess,
        walkStatements,
      ]
    ) await part(walk);
    await walk.send("createMark");
    for (const operation of plainReads) await walk.send(operation);
    await walk.send("getMetric", { path: { name: "connections_used" } });
    const window = { from: "2026-01-31T09:00:00Z", to: "2026-01-31T10:00:00Z" };
    await walk.send("listMoves", { query: window });
    await walk.send("createSession");
    await walk.send("endSession");
  } finally {
    await app.stop();
    await Deno.remove(archive, { recursive: true });
  }
  return sent;
}
