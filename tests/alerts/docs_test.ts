import assert from "node:assert/strict";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { renderAlerts } from "../../tools/alerts.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

Deno.test("docs/alerts.md matches the rules; after a change run: deno task openapi", async () => {
  const page = await read("docs/alerts.md");
  assert.equal(page, renderAlerts(page));
});

Deno.test("every shipped rule has an existing test that fires it, and one in which it is silent", async () => {
  const sources = new Map<string, string>();
  for (const { name: rule, proof } of shippedRules) {
    for (const { test, file } of [proof.fires, proof.silent]) {
      const source = sources.get(file) ?? await read(`tests/${file}`);
      sources.set(file, source);
      const begins = source.indexOf(`"${test}"`);
      assert.ok(
        begins >= 0,
        `tests/${file} has no test "${test}", which the proof of ${rule} names`,
      );
    }
    const { test, file } = proof.fires;
    const source = sources.get(file) ?? "";
    const begins = source.indexOf(`"${test}"`);
    const ends = source.indexOf("\nDeno.test(", begins);
    const body = source.slice(begins, ends < 0 ? undefined : ends);
    assert.ok(
      body.includes(`"${rule}`),
      `the test "${test}" in tests/${file} must name "${rule}" in quotes: it proves that the rule fires`,
    );
    if (proof.silent.test.startsWith("values close to their levels")) {
      const near = sources.get(proof.silent.file) ?? "";
      const list = near.slice(near.indexOf("const nearlyBad"), near.indexOf("];"));
      const canary = rule.startsWith("write_");
      assert.ok(
        canary || list.includes(`"${rule}"`),
        `add "${rule}" to nearlyBad in tests/${proof.silent.file}`,
      );
    }
  }
});
