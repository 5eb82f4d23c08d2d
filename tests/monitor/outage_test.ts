import assert from "node:assert/strict";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { postmastersOf } from "../helpers/process.ts";
import { watchRejections } from "../helpers/rejections.ts";

const silent = createLogger({ level: "error", write: () => {} });
let folder = "";
let server: EmbeddedServer;
let app: TestApp;
const { unhandled, stop } = watchRejections();

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-outage-" });
  await Deno.chmod(folder, 0o755);
  server = await createEmbeddedServer({ dataDir: folder, log: silent });
  await server.start();
  const { target } = server;
  app = await startApp({
    DATABASE_URL: embeddedUrl(target),
    HOLDFAST_FAST_TIER_SECONDS: "1",
    HOLDFAST_BROADCAST_SECONDS: "1",
  });
});

Deno.test.afterAll(async () => {
  await app.stop();
  await server.stop();
  await Deno.remove(folder, { recursive: true });
  stop();
  assert.deepEqual(unhandled, [], "promises nobody held");
});

interface Body {
  status?: string;
  overall_status?: string;
  age_ms?: number;
  checked_at?: string;
  code?: string;
  checks?: { name: string; status: string; detail: string }[];
}

/** The answer to a request, which must come within `limitMs`: a second or a third try may, where a busy machine held up one. */
async function ask(path: string, limitMs = 1_000, init?: RequestInit) {
  let answered: { status: number; body: Body } | undefined;
  await within(limitMs, `the answer of ${path}`, async () => {
    const asked = performance.now();
    const answer = await app.request(path, init);
    answered = { status: answer.status, body: await answer.json() };
    return performance.now() - asked;
  });
  assert.ok(answered);
  return answered;
}

async function assertAway(): Promise<void> {
  await eventually(async () => (await ask("/api/health")).status === 503, "it notices", 10_000);
  const overall = await ask("/api/health");
  assert.equal(overall.body.status, "unhealthy");
  assert.match(overall.body.checks?.[0]?.detail ?? "", /^no answer since \d{4}-/);
  const ietf = await app.request("/api/health", {
    headers: { accept: "application/health+json" },
  });
  assert.equal(ietf.status, 503);
  assert.equal((await ietf.json()).status, "fail");
  assert.deepEqual(await ask("/api/health/live"), {
    status: 200,
    body: { status: "alive", detail: "" },
  });
  const ready = await ask("/api/health/ready");
  assert.equal(ready.status, 503);
  for (const path of ["/api/health", "/api/health/ready", "/api/instruments"]) {
    const answer = await app.request(path);
    await answer.body?.cancel();
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/, path);
  }
  assert.equal(ready.body.status, "unavailable");
  const first = await ask("/api/health/database");
  assert.equal(first.body.overall_status, "unhealthy");
  const tables = await ask("/api/health/partitions");
  assert.equal(tables.body.overall_status, "unknown");
  assert.equal((await ask("/api/health/performance")).status, 200);
  assert.equal((await ask("/api/metrics")).status, 200);
  await eventually(async () => {
    const later = await ask("/api/health/database");
    assert.equal(later.body.checked_at, first.body.checked_at, "the last answer is not renewed");
    return (later.body.age_ms ?? 0) > (first.body.age_ms ?? 0) + 1_000;
  }, "what it says grows older");
}

async function assertBack(): Promise<void> {
  await eventually(
    async () => {
      const { status, body } = await ask("/api/health/ready");
      return status === 200 && body.status === "ready";
    },
    "it is ready again",
    20_000,
  );
  await eventually(
    async () => {
      const { body } = await ask("/api/health");
      return body.status === "healthy" && (body.age_ms ?? 9_999) < 3_000;
    },
    "it is healthy again",
    20_000,
  );
  const stored = await app.post("/api/ticks?create=true", [
    { ts: new Date().toISOString(), symbol: "SPY", price: 170.5, size: 100, exchange: "P" },
  ]);
  assert.equal(stored.status, 200, await stored.text());
}

Deno.test("with Postgres stopped every report answers within a second, says so, and recovers", async () => {
  await server.stop();
  await assertAway();
  for (
    const path of ["/api/alerts?state=resolved", "/api/ticks?symbol=SPY", "/api/quarantine"]
  ) {
    for (let again = 0; again < 3; again++) {
      const { status, body } = await ask(path, 5_000);
      assert.deepEqual([path, status, body.code], [path, 503, "database_unavailable"]);
    }
  }
  for (const [query, complete] of [["?state=firing", true], ["", false]] as const) {
    const known = await app.json<{ alerts: { rule: string }[]; complete: boolean }>(
      `/api/alerts${query}`,
    );
    assert.ok(known.alerts.some(({ rule }) => rule === "database_down"), "it is remembered");
    assert.equal(known.complete, complete);
  }
  const { body } = await ask("/api/health");
  assert.equal(body.checks?.find(({ name }) => name === "partitions")?.status, "unknown");
  const rules = await ask("/api/alerts/rules", 5_000, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "rollbacks", warning: 0.3 }),
  });
  assert.deepEqual([rules.status, rules.body.code], [503, "database_unavailable"]);
  await server.start();
  await assertBack();
});

Deno.test("what an outage kept from being asked is asked once it is over, not an hour later", async () => {
  const { monitor } = app.holdfast;
  const missed = () => {
    const { indexes, settings } = monitor.snapshot().readings;
    return [indexes.error, settings.error];
  };
  await server.stop();
  await monitor.runNow("hourly");
  await monitor.runNow("slow");
  assert.ok(missed().every((error) => error !== undefined));
  await server.start();
  await eventually(
    () => missed().every((error) => error === undefined),
    "it is asked again",
    20_000,
  );
});

/** Stops the postmaster and its children where they are, and answers them: the postmaster first, which then makes no more. */
async function freezeServer(): Promise<number[]> {
  const [postmaster] = await postmastersOf(folder);
  assert.ok(postmaster, "the server runs");
  const { pid } = postmaster;
  Deno.kill(pid, "SIGSTOP");
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "pid=", "--ppid", String(pid)],
  }).output();
  const children = new TextDecoder().decode(stdout).trim().split(/\s+/).map(Number);
  for (const child of children) Deno.kill(child, "SIGSTOP");
  return [pid, ...children];
}

Deno.test("a server that says nothing any more hangs no report and no request", async () => {
  const pids = await freezeServer();
  try {
    await assertAway();
    const paths = ["/api/alerts?state=resolved", "/api/ticks?symbol=SPY", "/api/alerts"];
    const answers = await Promise.all(paths.map((path) => ask(path, 20_000)));
    const [resolved, ticks, alerts] = answers.map(({ status }) => status);
    for (const status of [resolved, ticks]) {
      assert.ok(status === 503 || status === 504, `${status}`);
    }
    assert.equal(alerts, 200, "what fires is remembered");
  } finally {
    for (const pid of pids) Deno.kill(pid, "SIGCONT");
  }
  await assertBack();
});

Deno.test("after many outages within the hour it warns for a while, and is not said to be away", async () => {
  const open = () => app.holdfast.monitor.snapshot().firing;
  for (let outage = 0; outage < 5 && !open().some(({ flapping }) => flapping); outage++) {
    await server.stop();
    await eventually(async () => (await ask("/api/health")).status === 503, "it notices", 10_000);
    await server.start();
    await eventually(
      () => app.holdfast.monitor.snapshot().unreachable === undefined,
      "it is back",
    );
  }
  const { body } = await eventually(async () => {
    const answer = await ask("/api/health");
    return answer.status === 200 && answer.body.status === "degraded" && answer;
  }, "it is degraded");
  const down = body.checks?.find(({ name }) => name === "database_down");
  assert.deepEqual([down?.status, down?.detail], [
    "degraded",
    "it answers again; it was away several times within the hour",
  ]);
});
