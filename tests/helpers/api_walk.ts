import { parse } from "yaml";
import { encoders } from "../../services/transfer/export/encode.ts";
import { readTicks } from "../../services/transfer/export/reader.ts";
import { renderOpenApi } from "../../tools/openapi.ts";
import { clientOf } from "./client.ts";
import { eventually } from "./eventually.ts";
import type { TestApp } from "./test_app.ts";

/** One request and its answer, without what differs between two runs anyway. */
export interface Step {
  what: string;
  status: number;
  body: unknown;
}

const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
/** Numbers of one server alone: oids in names, and what some builds note on each column. */
const move = /(move_(?:log_|back_)?|pg_attver=)\d+/g;
const volatile =
  /(^|_)(id|ids|pid|oid|digest|ms|seconds|bytes|digits|etag|lsn|hash|cursor|at|since|until|version|uptime|instance|database|role|path|file|estimate|sealed_by|owner)$/;

/** Hides times, ids and durations; symbols, prices, sizes, statements and reasons stay. */
function mask(value: unknown, key = "", exact = false): unknown {
  if (Array.isArray(value)) return value.map((one) => mask(one, key, exact));
  if (typeof value === "object" && value !== null) {
    // An estimate: of statistics, which arrive when they do.
    const estimated = "rows" in value && "seconds" in value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        estimated && name === "rows" ? typeof one : mask(one, name, exact),
      ]),
    );
  }
  if (!exact && value !== null && volatile.test(key)) return typeof value;
  if (typeof value === "string" && !exact) {
    return value.replaceAll(time, "T").replaceAll(move, "$1N");
  }
  return value;
}

/** The names of a live answer's parts: figures of two servers under way are not the same. */
function shape(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return typeof value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, one]) => [
      name,
      Array.isArray(one) ? "list" : typeof one === "object" ? "object or null" : typeof one,
    ]),
  );
}

const day = 86_400_000;
export const symbols = ["FLT", "é", "日本"];

/** The same ticks for every app: floats that need all their digits, and some rows to be refused. */
function ticksFor(start: number): unknown[] {
  const good = [0, 1, 12].flatMap((ago) =>
    Array.from({ length: 40 }, (_, n) => ({
      ts: new Date(start - ago * day + n * 1_500).toISOString().replace("Z", "123Z"),
      symbol: symbols[n % 3],
      price: 0.1 + 0.2 * (n + 1),
      size: 1234567.123456789 + n / 3,
      exchange: n % 2 === 0 ? "X\\'\"é" : null,
    }))
  );
  return [
    { ts: new Date(start).toISOString(), symbol: "FLT", price: 0.30000000000000004, size: 5e-324 },
    { ts: new Date(start).toISOString(), symbol: "FLT", price: 1.7976931348623157e308, size: 0 },
    ...good,
    { ts: new Date(start).toISOString(), symbol: "FLT", price: -1, size: 1 },
    { ts: "01/02/2003", symbol: "日本", price: 1, size: 1 },
  ];
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: unknown }[];
}

/** Paths of the document that answer with figures of the moment. */
const live = [
  /^\/api\/health/,
  /^\/api\/metrics/,
  /^\/metrics$/,
  /^\/api\/queries/,
  /^\/api\/locks/,
  /^\/api\/incidents$/,
  /^\/api\/indexes/,
  /^\/api\/alerts$/,
  /^\/api\/benchmarks/,
  /^\/api\/backups$/,
  /^\/api\/(audit|tokens|sessions|changes|moves|settings)$/,
];

/** Sends every GET of openapi.yaml, each required parameter filled from `examples`. */
async function walkReads(
  app: TestApp,
  examples: Record<string, string>,
  told: (step: Step) => void,
): Promise<void> {
  const { paths } = parse(renderOpenApi()) as {
    paths: Record<string, { get?: Operation; parameters?: Operation["parameters"] }>;
  };
  for (const [path, { get, parameters: shared = [] }] of Object.entries(paths)) {
    if (!get) continue;
    const given = [...shared, ...get.parameters ?? []].filter(({ required }) => required);
    const fill = (name: string) => {
      const value = examples[`${path} ${name}`] ?? examples[name];
      if (value === undefined) throw new Error(`No example of ${name} for ${path}`);
      return encodeURIComponent(value);
    };
    const query = given.filter((one) => one.in === "query")
      .map(({ name }) => `${name}=${fill(name)}`).join("&");
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name) => fill(name)) + (query ? `?${query}` : "");
    const response = await app.request(url, { redirect: "manual" });
    const text = await response.text();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {
      // a page or an exposition
    }
    const moment = live.some((one) => one.test(path));
    const exact = /^\/api\/(ticks|candles)$/.test(path);
    told({
      what: `GET ${path}`,
      status: response.status,
      body: moment || typeof body === "string" ? shape(body) : mask(body, "", exact),
    });
  }
}

/** Uses every noun of the API once, and answers what was said; the same for equal databases. */
export async function walkApi(app: TestApp, { start }: { start: number }): Promise<Step[]> {
  const steps: Step[] = [];
  const send = async (method: string, path: string, body?: unknown) => {
    const response = await app.request(path, {
      method,
      ...(body === undefined ? {} : {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    const answer = text === "" ? null : JSON.parse(text);
    steps.push({ what: `${method} ${path}`, status: response.status, body: mask(answer) });
    return answer;
  };
  await send("POST", "/api/ticks?create=true&backfill=true", ticksFor(start));
  await send("POST", "/api/instruments", { symbol: "EUR/USD", name: "é 日本", tick_size: 0.00001 });
  await send("PUT", "/api/partitions/policies/market.ticks", {
    interval: "1 day",
    key: "timestamptz",
    premake: 2,
    seal: true,
    cooldown: "0",
    retention: { keep: "30 days 12:00:00", action: "detach" },
  });
  await send("PUT", "/api/partitions/policies/app.orders", {
    interval: "1000",
    key: "id",
    premake: 1,
    retention: null,
  });
  const plan = await send("POST", "/api/partitions/plan", {});
  await send("POST", "/api/partitions/apply", { digest: plan.digest });
  await send("POST", "/api/partitions/plan", {});
  await send("POST", "/api/partitions/verify", { table: "market.ticks" });
  const conversion = {
    table: "app.events",
    key_column: "at",
    widen_keys: true,
    policy: { interval: "week", key: "timestamptz", premake: 1 },
  };
  const { digest } = await send("POST", "/api/partitions/convert", conversion);
  await send("POST", "/api/partitions/convert", { ...conversion, action: "start", digest });
  await eventually(
    async () => {
      const { conversions } = await app.json<{ conversions: { phase: string }[] }>(
        "/api/partitions/conversions",
      );
      return conversions[0]?.phase === "swapped";
    },
    "the conversion is swapped",
    60_000,
  );
  await send("POST", "/api/candles/rebuild", { symbol: "FLT", from: new Date(start - day) });
  await send("POST", "/api/alerts/silences", {
    rule: "blocked_sessions",
    starts_at: new Date(start + 400 * day).toISOString(),
    ends_at: new Date(start + 401 * day).toISOString(),
    reason: "é 日本",
  });
  await send("POST", "/api/quarantine/retry", {});
  await send("POST", "/api/alerts/rehearse", { rule: "blocked_sessions" });
  const { instruments } = await app.json<{ instruments: { id: number; symbol: string }[] }>(
    "/api/instruments",
  );
  const { statements } = plan as { statements: { action: string; partition: string }[] };
  const sealed = statements.find(({ action }) => action === "seal")?.partition ?? "none";
  await app.holdfast.monitor.checkNow();
  const { readings } = app.holdfast.monitor.snapshot();
  for (const [name, reading] of Object.entries(readings)) {
    steps.push({
      what: `collector ${name}`,
      status: 200,
      body: { error: reading.error, missing: reading.missing },
    });
  }
  await walkReads(app, {
    symbol: "FLT",
    table: "market.ticks",
    partition: sealed,
    name: "connections_used",
    width: "1m",
    interval: "1m",
    from: new Date(start - 4 * day).toISOString(),
    to: new Date(start + day).toISOString(),
    id: "00000000-0000-4000-8000-000000000000",
    "/api/instruments/{id} id": String(instruments[0]?.id ?? 1),
    "/api/backups/{id} id": "20260101T000000Z-aaaaaa",
  }, (step) => steps.push(step));
  for (const path of ["/api/ticks?limit=1000&order=asc&symbol=", "/api/exactness?symbol="]) {
    for (const symbol of symbols) await send("GET", path + encodeURIComponent(symbol));
  }
  for (const format of ["csv", "ndjson"] as const) {
    const parts: (string | Uint8Array)[] = [];
    for await (const part of encoders[format](readTicks(clientOf(app), symbols, {}))) {
      parts.push(part);
    }
    const text = await new Blob(parts as BlobPart[]).text();
    steps.push({ what: `export ${format}`, status: 200, body: text });
  }
  return steps;
}
