import answers from "./example_answers.json" with { type: "json" };

/** A body of a request as one may send it; the tests send each. */
export interface RequestExample {
  summary: string;
  value: unknown;
  /** The media type, where it is not JSON. */
  type?: string;
}

type Examples = Record<string, Record<string, RequestExample>>;

const spy = { ts: "2026-01-31T09:30:00.123Z", symbol: "SPY", price: 601.25, size: 100 };
const policy = {
  interval: "1 day",
  key: "timestamptz",
  premake: 7,
  seal: true,
  retention: { keep: "30 days", action: "archive-then-drop" },
  cooldown: "0",
};
const conversion = {
  table: "app.events",
  key_column: "at",
  widen_keys: true,
  policy: { interval: "1 week", key: "timestamptz", premake: 4 },
};
/** Stands for the digest of a plan. */
const digest = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/** Examples by operation and name. */
export const requestExamples: Examples = {
  storeTicks: {
    json: { summary: "A JSON array", value: [{ ...spy, exchange: "P" }, { ...spy, price: 601.3 }] },
    ndjson: {
      summary: "A line for each tick",
      type: "application/x-ndjson",
      value: `${JSON.stringify(spy)}\n${JSON.stringify({ ...spy, side: "buy", trade_id: "7" })}\n`,
    },
    csv: {
      summary: "CSV with a header",
      type: "text/csv",
      value: "ts,symbol,price,size,exchange\n2026-01-31T09:30:01.5Z,SPY,601.27,200,P\n",
    },
  },
  rebuildCandles: {
    count: {
      summary: "Only count what differs",
      value: { symbol: "SPY", from: "2026-01-31T09:00:00Z", dry_run: true },
    },
    rebuild: { summary: "All candles of a symbol", value: { symbol: "SPY" } },
  },
  createInstrument: {
    equity: {
      summary: "A share with its tick size",
      value: { symbol: "IBM", kind: "equity", currency: "USD", tick_size: 0.01 },
    },
    symbol: { summary: "A symbol is enough", value: { symbol: "EUR/USD" } },
  },
  updateInstrument: {
    tick_size: { summary: "Another tick size", value: { tick_size: 0.05 } },
  },
  retryQuarantine: {
    symbol: { summary: "Those of a symbol", value: { symbol: "SPY", create: true } },
    all: { summary: "All of them", value: { all: true } },
  },
  retryQuarantinedRow: {
    again: { summary: "As it is, old or not", value: {} },
    corrected: { summary: "A corrected tick in its place", value: { tick: spy } },
  },
  setPartitionPolicy: {
    ticks: { summary: "Daily, sealed, archived after 30 days", value: policy },
    kept: {
      summary: "Weekly, nothing is ever taken away",
      value: { interval: "1 week", key: "timestamptz", premake: 4, retention: null },
    },
  },
  planPartitions: {
    all: { summary: "What is due for all tables", value: {} },
    table: { summary: "For one table", value: { table: "market.ticks" } },
  },
  applyPartitionPlan: {
    plan: { summary: "Exactly that plan, or 409", value: { digest } },
  },
  convertTable: {
    plan: { summary: "What would be done", value: conversion },
    start: { summary: "Do it", value: { ...conversion, action: "start", digest } },
  },
  startPartitionVerification: {
    all: { summary: "All sealed partitions", value: {} },
    table: { summary: "Those of a table", value: { table: "market.ticks" } },
  },
  unsealPartition: {
    hour: {
      summary: "Open it for an hour",
      value: { table: "market.ticks", partition: "ticks_p20260121", hold_seconds: 3_600 },
    },
  },
  restoreArchive: {
    partition: {
      summary: "Bring an archived partition back",
      value: { table: "market.ticks", partition: "ticks_p20251222" },
    },
  },
  changeAlertRules: {
    level: {
      summary: "Warn earlier",
      value: { rules: [{ name: "connections", warning: 0.0001, for_seconds: 0 }] },
    },
    reset: {
      summary: "Back to what it was",
      value: { rules: [{ name: "connections", reset: true }] },
    },
  },
  acknowledgeAlert: {
    named: { summary: "Say who is on it", value: { by: "marta" } },
  },
  createSilence: {
    hour: {
      summary: "An hour of silence",
      value: { reason: "restoring", duration_seconds: 3_600 },
    },
    window: {
      summary: "A maintenance window of one rule",
      value: {
        rule: "connections",
        reason: "load test",
        starts_at: "2030-01-31T22:00:00Z",
        ends_at: "2030-01-31T23:00:00Z",
      },
    },
  },
  rehearseAlertRule: {
    stored: { summary: "Over the last day", value: { rule: "connections", days: 1 } },
    changed: {
      summary: "Would another level have fired?",
      value: { rule: "connections", days: 1, changes: { warning: 0.5, for_seconds: 60 } },
    },
  },
  startBackup: {
    base: { summary: "A base backup", value: { kind: "base" } },
  },
  verifyBackup: {
    files: { summary: "Check its files only", value: { restore: false } },
  },
  startRehearsal: {
    index: {
      summary: "An index, for a query of your own",
      value: {
        sql: "create index concurrently on market.candles_1m (ts)",
        workload: [{
          sql: "select max(price) from market.ticks where price > $1",
          params: [[100], [600.5]],
        }],
      },
    },
  },
  startBenchmarkRun: {
    quick: {
      summary: "A quick run of one case",
      value: { profile: "quick", cases: ["calc_sum"], force: true },
    },
  },
  createMark: {
    deployment: { summary: "A deployment", value: { text: "deploy 2026.11.27-1" } },
  },
  createToken: {
    ingest: {
      summary: "One for a program that sends ticks",
      value: { name: "feed-handler", scope: "ingest", expires_in_days: 90 },
    },
  },
  createSession: {
    token: { summary: "Log in", value: { token: "a-token-of-this-server-32-letters" } },
  },
};

interface Operation {
  operationId?: string;
  requestBody?: unknown;
  responses?: Record<string, unknown>;
}

type Content = Record<string, { example?: unknown; examples?: Record<string, object> }>;

/** The answers that were recorded when the examples were sent, by operation and status. */
export const answerExamples: Record<string, Record<string, unknown>> = answers;

/** Puts the examples of an operation where the document has them: under each media type. */
export function addExamples(operation: Operation): void {
  const { operationId = "", requestBody, responses = {} } = operation;
  const taken = (requestBody as { content?: Content } | undefined)?.content ?? {};
  for (const [name, example] of Object.entries(requestExamples[operationId] ?? {})) {
    const { summary, value, type = "application/json" } = example;
    const media = taken[type];
    if (media) media.examples = { ...media.examples, [name]: { summary, value } };
  }
  for (const [status, body] of Object.entries(answerExamples[operationId] ?? {})) {
    const media = (responses[status] as { content?: Content } | undefined)?.content
      ?.["application/json"];
    if (media) media.example = body;
  }
}
