import assert from "node:assert/strict";
import { createLogger } from "../../log.ts";
import { type AnsweredRequest, createRequestLog } from "../../services/requests/request_log.ts";

interface Line extends Record<string, unknown> {
  event: string;
  level: string;
}

function watched({ slowMs = 1_000 } = {}) {
  const lines: Line[] = [];
  const clock = { at: 1_000_000 };
  const log = createLogger({ level: "debug", write: (line) => lines.push(JSON.parse(line)) });
  const requests = createRequestLog({ log, slowMs, now: () => clock.at });
  const record = (change: Partial<AnsweredRequest> = {}) =>
    requests.record({
      request_id: "r",
      method: "GET",
      path: "/api/candles",
      by: undefined,
      address: "127.0.0.1",
      status: 200,
      duration_ms: 2,
      ...change,
    });
  const shown = () => lines.filter(({ level }) => level !== "debug");
  return { lines, shown, clock, record, requests };
}

Deno.test("a read and an upload that went well are debug lines, a change is an info line", () => {
  const { lines, shown, record } = watched();
  record();
  record({ method: "POST", path: "/api/ticks" });
  record({ path: "/api/health/live" });
  assert.equal(lines.length, 3);
  assert.deepEqual(shown(), []);
  record({ method: "PUT", path: "/api/alerts/rules" });
  record({ method: "DELETE", path: "/api/alerts/silences" });
  assert.deepEqual(shown().map(({ method }) => method), ["PUT", "DELETE"]);
});

Deno.test("failed and slow requests are info lines, also of probes and uploads", () => {
  const { shown, record } = watched({ slowMs: 200 });
  record({ path: "/api/health/ready", status: 503 });
  record({ method: "POST", path: "/api/ticks", status: 503 });
  record({ duration_ms: 199 });
  record({ duration_ms: 200 });
  record({ method: "POST", path: "/api/ticks", duration_ms: 900 });
  assert.deepEqual(shown().map(({ path, duration_ms }) => [path, duration_ms]), [
    ["/api/health/ready", 2],
    ["/api/ticks", 2],
    ["/api/candles", 200],
    ["/api/ticks", 900],
  ]);
});

Deno.test("a flood of refused requests is twenty lines and a count", () => {
  const { shown, record, requests } = watched();
  for (let n = 0; n < 5_000; n++) record({ status: 400, path: `/api/${n}` });
  assert.equal(shown().length, 20);
  requests.writeSummary();
  assert.deepEqual([shown().at(-1)?.event, shown().at(-1)?.refused], ["requests", 5_000]);
  record({ status: 404 });
  assert.equal(shown().at(-1)?.status, 404, "the next period begins anew");
});

Deno.test("a period is summed up in one line, and a period without requests in none", () => {
  const { shown, clock, record, requests } = watched({ slowMs: 100 });
  requests.writeSummary();
  record({ path: "/metrics" });
  requests.writeSummary();
  assert.deepEqual(shown(), []);
  for (let n = 1; n <= 99; n++) record({ method: "POST", path: "/api/ticks", duration_ms: n });
  record({ path: "/api/ticks", duration_ms: 400, status: 500 });
  clock.at += 60_000;
  requests.writeSummary();
  const { ts: _, level, ...line } = shown().at(-1) ?? { event: "", level: "" };
  assert.equal(level, "info");
  assert.deepEqual(line, {
    event: "requests",
    seconds: 60,
    count: 100,
    uploads: 99,
    refused: 0,
    failed: 1,
    slow: 1,
    p50_ms: 50,
    p99_ms: 99,
    worst_ms: 400,
    worst: "GET /api/ticks",
  });
});

Deno.test("of very many requests a bounded sample gives the times", () => {
  const { shown, record, requests } = watched({ slowMs: 1e9 });
  for (let n = 0; n < 100_000; n++) record({ duration_ms: n % 1_000 });
  requests.writeSummary();
  const { count, p50_ms, worst_ms } = shown().at(-1) ?? ({} as Partial<Line>);
  assert.equal(count, 100_000);
  assert.equal(worst_ms, 999);
  // The median of 1,000 of them: 12 standard deviations are about 190.
  assert.ok(Math.abs(Number(p50_ms) - 500) < 190, String(p50_ms));
});
