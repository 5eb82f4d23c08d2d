import assert from "node:assert/strict";
import { parse } from "yaml";
import { settings } from "../../config/settings.ts";
import { runbookOf } from "../../services/alerts/alert.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { runbookSections } from "../../services/alerts/rules/runbook.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import { renderRunbookSections } from "../../routes/pages/runbook.ts";
import { renderRunbook } from "../../tools/runbook.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
const sections = runbookSections();
const ids = new Set(sections.map(({ id }) => id));

/** All words of a section that a person reads. */
const wordsOf = (
  { impact, cause, look, steps, escalate }: (typeof sections)[number],
) => [impact, cause, ...look.flatMap(({ read, shows }) => [read, shows]), ...steps, escalate];

Deno.test("docs/runbook.md matches the rules; after a change run: deno task openapi", async () => {
  const page = await read("docs/runbook.md");
  assert.equal(page, renderRunbook(page));
});

Deno.test("every rule, the sample alert and every alert for Prometheus have a section", async () => {
  assert.equal(ids.size, sections.length, "each section has its own name");
  assert.deepEqual(shippedRules.map(({ name }) => name).filter((name) => !ids.has(name)), []);
  const asked = new Set([runbookOf("lock_wait"), sampleAlert("a", "2026-01-01T00:00:00Z").runbook]);
  const rules: { groups: { rules: { alert: string; annotations: { runbook_url: string } }[] }[] } =
    parse(await read("docs/prometheus-rules.yml"));
  const annotated = rules.groups.flatMap((group) => group.rules);
  assert.ok(annotated.length > 20);
  for (const { alert, annotations } of annotated) {
    const [origin, path] = annotations.runbook_url.split("/docs/");
    assert.equal(origin, "http://{{ $labels.instance }}", alert);
    asked.add(`/docs/${path}`);
  }
  const broken = [...asked].filter((url) => ![...ids].some((id) => url === runbookOf(id)));
  assert.deepEqual(broken, []);
});

Deno.test("a section says what to read, what to do, and when to call somebody", () => {
  for (const section of sections) {
    assert.ok(section.look.length > 0 && section.steps.length > 0, section.id);
    for (const words of wordsOf(section)) {
      assert.ok(words.length > 3 && words === words.trim(), section.id);
      assert.equal(
        words.split("`").length % 2,
        1,
        `${section.id}: a backquote is missing: ${words}`,
      );
    }
    for (const words of [section.impact, section.escalate, ...section.steps]) {
      assert.match(words, /\.$/, `${section.id}: ${words}`);
    }
  }
});

Deno.test("no text of a rule can become markup of the page", () => {
  const page = renderRunbookSections();
  const elements = new Set([...page.matchAll(/<\/?([a-z0-9]+)/g)].map(([, name]) => name));
  assert.deepEqual(
    [...elements].sort(),
    ["a", "code", "h2", "h3", "li", "ol", "p", "pre", "section", "strong", "ul"],
  );
  assert.doesNotMatch(page, /\[object|undefined/);
  assert.match(page, /max_slot_wal_keep_size = &#39;50GB&#39;/);
});

Deno.test("each alert has the address of its section, and what the runbook names exists", async () => {
  const app = await startApp({
    HOLDFAST_ALERT_CONNECTIONS_WARNING: "0.001",
    HOLDFAST_ALERT_CONNECTIONS_FOR_SECONDS: "0",
  });
  try {
    const answer = await app.request("/docs/runbook");
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
    const page = await answer.text();
    const anchors = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/ href="([^"]+)"/g)].map(([, href = ""]) => href);
    const own = links.filter((href) => href.startsWith("#")).map((href) => href.slice(1));
    assert.ok(own.length > 2 * shippedRules.length);
    assert.deepEqual(own.filter((id) => !anchors.has(id)), []);
    const paths = new Set(links.filter((href) => href.startsWith("/")));
    for (const path of paths) {
      // What the API answers depends on the state of the database; that its paths exist is checked below.
      if (path.startsWith("/api/")) continue;
      const { status, body } = await app.request(path);
      await body?.cancel();
      assert.equal(status, 200, path);
    }
    const { paths: known } = await app.json<{ paths: Record<string, Record<string, unknown>> }>(
      "/openapi.json",
    );
    const linked = [...paths].filter((path) => path.startsWith("/api/"));
    assert.ok(linked.length > 15);
    assert.deepEqual(linked.filter((path) => !known[path.split("?")[0] ?? ""]?.get), []);
    const text = sections.flatMap(wordsOf).join("\n");
    const named = [...text.matchAll(/\b(GET|POST|PUT|DELETE) (\/api\/[\w/{}]+)/g)];
    assert.ok(named.length > 100);
    for (const [operation, method = "", path = ""] of named) {
      assert.ok(known[path]?.[method.toLowerCase()], operation);
    }
    for (const [, name = ""] of text.matchAll(/\b(HOLDFAST_[A-Z_]+)/g)) {
      assert.ok(name in settings, name);
    }
    const firing = await eventually(async () => {
      const { alerts } = await app.json<{ alerts: { rule: string; runbook: string }[] }>(
        "/api/alerts?state=firing",
      );
      return alerts.some(({ rule }) => rule === "connections") && alerts;
    }, "an alert fires");
    for (const { rule, runbook } of firing) {
      assert.equal(runbook, runbookOf(rule));
      assert.ok(anchors.has(rule));
    }
  } finally {
    await app.stop();
  }
});
