import assert from "node:assert/strict";
import fc from "fast-check";
import { bundle, wrapModule } from "../../routes/pages/bundle.ts";
import { pagePaths } from "../../routes/pages/pages.ts";
import { settingsReport } from "../../routes/monitor/settings.ts";
import { readConfig } from "../../config/config.ts";
import { moveOf } from "../../services/monitor/incidents/movements.ts";
import { changeQuery, match, safeReturn } from "../../web/lib/address.js";
import { readRange, stepFor } from "../../web/lib/time_range.js";
import { groupAlerts, groupWords } from "../../web/alerts/groups.js";
import { readChecks, sayCheck } from "../../web/health/checks.js";
import { axisSteps, levelWords, show, toneFor } from "../../web/metrics/units.js";
import { intervalSeconds } from "../../web/partitions/interval.js";
import { runwayLine, runwayWords, unmanagedWords } from "../../web/partitions/words.js";

Deno.test("a path fits a pattern part by part, with its parameters decoded", () => {
  assert.deepEqual(match("/alerts/:id", "/alerts/7"), { id: "7" });
  assert.deepEqual(match("/partitions/:table", "/partitions/market.t%C3%ADcks"), {
    table: "market.tícks",
  });
  assert.deepEqual(match("/alerts", "/alerts/"), {});
  assert.equal(match("/alerts/:id", "/alerts"), null);
  assert.equal(match("/alerts/:id", "/alerts/%E0%A4%A"), null);
  assert.equal(match("/", "/alerts"), null);
});

Deno.test("the server answers the paths that the pages have", async () => {
  // Its address is no literal: the types of the pages' library would replace those of the runtime in all tests.
  const routes = new URL("../../web/routes.js", import.meta.url).href;
  const { PAGES }: { PAGES: { path: string }[] } = await import(routes);
  assert.deepEqual(PAGES.map(({ path }) => path), [...pagePaths]);
});

Deno.test("any parameter comes out of an address as it went in", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), (id) => {
    const encoded = encodeURIComponent(id.toWellFormed());
    assert.deepEqual(match("/alerts/:id", `/alerts/${encoded}`), { id: id.toWellFormed() });
  }));
});

Deno.test("the query keeps what is not changed and drops what is empty", () => {
  assert.equal(changeQuery("?a=1&b=2", { b: null, c: "x y" }), "?a=1&c=x+y");
  assert.equal(changeQuery("?a=1", { a: "" }), "");
});

Deno.test("signing in returns to a path of this server only", () => {
  assert.equal(safeReturn("/alerts?state=all"), "/alerts?state=all");
  for (
    const evil of [
      "//evil.example",
      "/\\evil",
      "https://evil",
      "javascript:1",
      "/\t/evil",
      "/login",
      null,
    ]
  ) {
    assert.equal(safeReturn(evil), "/", String(evil));
  }
});

Deno.test("53 alerts of one rule are one group, newest critical first", () => {
  const alerts = Array.from({ length: 53 }, (_, n) => ({
    id: String(n),
    rule: n < 50 ? "sequence" : "lock_wait",
    severity: n < 5 ? "critical" : "warning",
    state: "firing",
    message: `number ${n}`,
    started_at: new Date(1_700_000_000_000 + n * 1_000).toISOString(),
  }));
  const [first, second] = groupAlerts(alerts);
  assert.equal(groupWords(first), "sequence: 50, 5 critical");
  assert.deepEqual(first?.alerts.slice(0, 6).map(({ id }: { id: string }) => id), [
    "4",
    "3",
    "2",
    "1",
    "0",
    "49",
  ]);
  assert.equal(groupWords(second), "lock_wait: 3");
  assert.equal(groupWords(groupAlerts([alerts[0]])[0]), "number 0");
  assert.deepEqual(groupAlerts([]), []);
});

Deno.test("the labels of a value axis are round in the unit, in ascending steps", () => {
  const times = axisSteps("seconds") ?? [];
  assert.ok([60, 900, 3_600, 86_400].every((step) => times.includes(step)));
  assert.deepEqual(times.filter((step) => step > 60 && step % 60 !== 0), []);
  assert.ok(axisSteps("bytes_per_second")?.includes(1_048_576));
  for (const steps of [times, axisSteps("bytes") ?? []]) {
    assert.deepEqual(steps, [...steps].sort((a, b) => a - b));
  }
  assert.equal(axisSteps("ratio"), null);
});

Deno.test("the level of a panel is the rule's; without a value it is unknown", () => {
  const rule = { direction: "below", warning: 100, critical: 10, enabled: true, unit: "seconds" };
  assert.equal(toneFor(rule, 5), "bad");
  assert.equal(toneFor(rule, 50), "warn");
  assert.equal(toneFor(rule, 500), "good");
  assert.equal(toneFor(rule, null), "unknown");
  assert.equal(toneFor(undefined, 500), "plain");
  assert.equal(toneFor({ ...rule, enabled: false }, 5), "plain");
  assert.equal(levelWords(rule), "warning at or below 1 min 40 s");
  assert.equal(show("ratio", undefined), "unknown");
  assert.equal(runwayWords(50, rule)[0], "warn");
  assert.equal(
    runwayWords(50, undefined)[0],
    "info",
    "no constant of the page stands in for a rule",
  );
});

Deno.test("the runway names what it covers: tables with a policy, those without, and the unknown ones", () => {
  const rule = { direction: "below", warning: 300, critical: 60, enabled: true };
  const rules = new Map([["partition_runway", rule], ["unmanaged_runway", rule]]);
  const say = (changes: Record<string, number | null>) =>
    runwayLine({
      runway_seconds: 86_400,
      tables_managed: 2,
      tables_unmanaged: 0,
      unmanaged_runway_seconds: null,
      tables_unmanaged_unknown: 0,
      ...changes,
    }, rules);
  const safe = "inserts into 2 tables with a policy are safe for 1 d";
  assert.deepEqual(say({}), ["good", safe]);
  assert.deepEqual(say({ tables_unmanaged: 1, unmanaged_runway_seconds: 120 }), [
    "warn",
    `${safe}; of a table without a policy, the first ends in 2 min`,
  ]);
  assert.deepEqual(say({ tables_unmanaged: 3, unmanaged_runway_seconds: -5 }), [
    "bad",
    `${safe}; of 3 tables without a policy, the first has ended: its inserts fail`,
  ]);
  assert.deepEqual(say({ tables_unmanaged_unknown: 2 }), [
    "good",
    `${safe}; the end of 2 tables without a policy is not known`,
  ]);
  assert.equal(say({ tables_unmanaged: null, tables_unmanaged_unknown: null })[0], "unknown");
  assert.equal(runwayLine(undefined, rules)[0], "unknown");
});

Deno.test("a table without a policy is called ended or idle, and red only while rows are inserted", () => {
  const rule = { direction: "below", warning: 300, critical: 60, enabled: true };
  const say = (state: string, runway_seconds: number | null) =>
    unmanagedWords({ state, reason: "why", runway_seconds }, rule)[0];
  assert.equal(say("inserting", 30), "bad");
  assert.equal(say("inserting", -30), "bad");
  assert.equal(say("inserting", 3_000), "good");
  assert.equal(say("ended", -30), "info");
  assert.equal(say("idle", 30), "info");
  assert.equal(say("extended", 30), "info");
  assert.equal(say("endless", null), "info");
  assert.equal(say("unknown", null), "unknown");
});

Deno.test("a broken connection is said in plain words", () => {
  const say = (detail: string) =>
    String(sayCheck({ name: "Database", status: "unhealthy", detail }));
  assert.match(say("connect ECONNREFUSED 127.0.0.1:5432"), /refuses connections/);
  assert.match(say("connect ENOENT /tmp/.s.PGSQL.5432"), /not running/);
  assert.equal(say("2 table(s) run out"), "2 table(s) run out");
});

Deno.test("a moment in a check is shown as people read it", () => {
  const detail = "no answer since 2013-11-28T21:59:40.953Z: stopped";
  const [check] = readChecks([{ name: "database", status: "unhealthy", detail }]);
  assert.equal(check?.detail, "no answer since 28 Nov 2013 21:59:40 UTC: stopped");
});

Deno.test("a range is a length that ends now, or two moments", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");
  assert.deepEqual(readRange(new URLSearchParams(""), now), {
    name: "1h",
    from: now - 3_600_000,
    to: now,
    seconds: 3_600,
    fixed: false,
  });
  const fixed = readRange(
    new URLSearchParams("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"),
    now,
  );
  assert.equal(fixed.fixed, true);
  assert.equal(fixed.seconds, 86_400);
  assert.equal(
    readRange(new URLSearchParams("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"), now).fixed,
    false,
  );
  assert.equal(stepFor(3_600), 0);
  assert.equal(stepFor(86_400), 300);
});

Deno.test("an interval's length is known where it is said plainly", () => {
  assert.equal(intervalSeconds("1 day"), 86_400);
  assert.equal(intervalSeconds("01:00:00"), 3_600);
  assert.equal(intervalSeconds("2 weeks"), 1_209_600);
  assert.equal(intervalSeconds("a fortnight"), null);
});

Deno.test("modules become one script that runs as they would", async () => {
  const files: Record<string, string> = {
    "app.js":
      `import { double } from "./lib/double.js";\nimport whole from "./whole.js";\nexport const page = () => import("./thing/page.js");\nexport { double, whole };\n`,
    "lib/double.js":
      `// A comment.\nimport { two } from "./two.js";\nexport function double(n) { return n * two; }\n`,
    "lib/two.js": `const two = 2;\nexport { two };\n`,
    "whole.js": `export default function(n) { return n + 1; }\n`,
    "thing/page.js":
      `import { double } from "../lib/double.js";\nimport { only } from "./only.js";\nexport function Page() { return double(only); }\n`,
    "thing/only.js": `export const only = 21;\n`,
  };
  const [app, page] = bundle({
    entry: "app.js",
    read: (name) => files[name] ?? assert.fail(name),
    base: "/assets/v",
  });
  assert.match(app?.code ?? "", /import\("\/assets\/v\/thing\/page.js"\)/);
  assert.doesNotMatch(page?.code ?? "", /function double/, "what the entry has is not sent again");
  const url = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const entry = await import(url(app?.code ?? ""));
  assert.equal(entry.modules["lib/double.js"].double(4), 8);
  assert.equal(entry.modules["whole.js"].default(4), 5);
  const chunk = await import(
    url((page?.code ?? "").replace("/assets/v/app.js", url(app?.code ?? "")))
  );
  assert.equal(chunk.Page(), 42);
});

Deno.test("a module that most pages need is sent with the first script, once", () => {
  const page = (imported: string) => `${imported}export function Page() { return 1; }\n`;
  const files: Record<string, string> = {
    "app.js": ["a", "b", "c"].map((name) =>
      `export const ${name} = () => import("./${name}.js");\n`
    )
      .join(""),
    "a.js": page(`import { most } from "./most.js";\nimport { few } from "./few.js";\n`),
    "b.js": page(`import { most } from "./most.js";\n`),
    "c.js": page(""),
    "most.js": `export const most = "needed by most";\n`,
    "few.js": `export const few = "needed by one";\n`,
  };
  const chunks = bundle({ entry: "app.js", read: (name) => files[name] ?? "", base: "/v" });
  const holders = (text: string) =>
    chunks.filter(({ code }) => code.includes(text)).map(({ name }) => name);
  assert.deepEqual(chunks.map(({ name }) => name), ["app.js", "a.js", "b.js", "c.js"]);
  assert.deepEqual(holders("needed by most"), ["app.js"]);
  assert.deepEqual(holders("needed by one"), ["a.js"]);
});

Deno.test("what cannot be bundled is refused, a cycle too", () => {
  const asset = (name: string) => name;
  assert.throws(() => wrapModule("a.js", `export * from "./b.js";\n`, asset), /Cannot bundle a.js/);
  const files: Record<string, string> = {
    "a.js": `import { b } from "./b.js";\nexport const a = b;\n`,
    "b.js": `import { a } from "./a.js";\nexport const b = a;\n`,
  };
  const read = (name: string) => files[name] ?? "";
  assert.throws(() => bundle({ entry: "a.js", read, base: "" }), /a.js → b.js → a.js/);
});

Deno.test("a metric moved when it left its usual spread, not when it trembles", () => {
  const calm = [100, 101, 99, 100, 102, 98, 100, 101];
  assert.equal(moveOf("m", calm, [101, 100, 99])?.score.toFixed(1), "0.0");
  assert.ok((moveOf("m", calm, [150, 152, 151])?.score ?? 0) > 10);
  assert.equal(moveOf("m", [0, 0, 0, 0, 0], [0, 0]), undefined);
  assert.ok((moveOf("m", [0, 0, 0, 0, 0], [5, 5])?.score ?? 0) > 3);
  assert.equal(moveOf("m", [1, 2], [3, 4]), undefined, "too little is known");
});

Deno.test("the report of the settings shows no secret", () => {
  const secret = "s3cret-".repeat(5);
  const report = settingsReport(readConfig({
    HOLDFAST_TOKEN: secret,
    DATABASE_URL: `postgres://u:${secret}@db/x`,
    PORT: "9000",
  }));
  assert.doesNotMatch(JSON.stringify(report), /s3cret/);
  const of = (name: string) => report.find((one) => one.name === name);
  assert.deepEqual([of("PORT")?.value, of("PORT")?.source], ["9000", "set"]);
  assert.deepEqual([of("HOLDFAST_TOKEN")?.value, of("HOLDFAST_TOKEN")?.hidden], [null, true]);
});
