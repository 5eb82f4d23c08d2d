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
