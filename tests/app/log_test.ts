import assert from "node:assert/strict";
import { createLogger, type LogFields } from "../../log.ts";

function capture(level: "debug" | "info" | "warn" | "error" = "debug") {
  const lines: LogFields[] = [];
  const log = createLogger({
    level,
    write: (line) => lines.push(JSON.parse(line)),
    now: () => new Date("2026-01-31T09:30:00Z"),
  });
  return { log, lines };
}

Deno.test("one event is one JSON line with time, level and fields", () => {
  const { log, lines } = capture();
  log.child({ part: "ingest" }).info("stored", { rows: 3 });
  assert.deepEqual(lines, [{
    ts: "2026-01-31T09:30:00.000Z",
    level: "info",
    event: "stored",
    part: "ingest",
    rows: 3,
  }]);
});

Deno.test("what is less severe than the level is not written", () => {
  const { log, lines } = capture("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(lines.map(({ event }) => event), ["c", "d"]);
});

Deno.test("secrets never reach a log: by name, inside URLs, inside errors and their causes", () => {
  const { log, lines } = capture();
  const error = new Error("connect postgres://me:hunter2@db/x failed", {
    cause: new Error(
      "it was in postgres://me:hunter2@db/x, ?password=hunter2&x or password='hunter2 \\'hunter2'",
    ),
  });
  log.info("x", {
    HOLDFAST_TOKEN: "hunter2",
    headers: { authorization: "Bearer hunter2", cookie: "a=hunter2" },
    url: "postgres://me:hunter2@db/x",
    error,
  });
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/);
  assert.match(JSON.stringify(lines), /postgres:\/\/me:\[redacted\]@db/);
});

Deno.test("values that JSON cannot hold do not stop the log", () => {
  const { log, lines } = capture();
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  log.info("odd", { big: 10n, loop });
  assert.equal(lines[0]?.big, "10");
});

function captureText() {
  const lines: string[] = [];
  const log = createLogger({
    level: "debug",
    format: "text",
    write: (line) => lines.push(line),
    now: () => new Date("2026-01-31T09:30:00Z"),
  });
  return { log, lines };
}

Deno.test("as text, one event is one line for a person", () => {
  const { log, lines } = captureText();
  log.info("ready", { url: "http://127.0.0.1:8000", tables: 3, none: undefined });
  log.child({ database: "my db" }).warn("collector_rests", { turns: ["a", "b"] });
  assert.deepEqual(lines, [
    "09:30:00.000 INFO  ready url=http://127.0.0.1:8000 tables=3",
    '09:30:00.000 WARN  collector_rests database="my db" turns=["a","b"]',
  ]);
});

Deno.test("as text, an error has its message on the line and its stack below", () => {
  const { log, lines } = captureText();
  log.error("job_failed", { error: Object.assign(new Error("no space"), { code: "ENOSPC" }) });
  const [head, ...stack] = lines[0]?.split("\n") ?? [];
  assert.match(head ?? "", /^09:30:00\.000 ERROR job_failed error="no space" \{.*"ENOSPC"/);
  assert.ok(stack.length > 0 && stack.every((line) => line.startsWith("  at ")), lines[0]);
});

Deno.test("as text, nothing that is logged can begin a line or move the cursor", () => {
  const { log, lines } = captureText();
  const hostile = "x\n09:30:00.000 ERROR forged\r\x1b[2J\u009b2J\u2028";
  log.info("request", { path: hostile, list: [hostile], error: new Error(hostile) });
  assert.doesNotMatch(lines[0]?.split("\n  at ")[0] ?? "", /[\p{Cc}\u2028]/u);
});
