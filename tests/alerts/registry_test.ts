import assert from "node:assert/strict";
import { createLogger } from "../../log.ts";
import type { RuleLevels } from "../../services/alerts/rules/rule.ts";
import { createRuleRegistry } from "../../services/alerts/rules/registry.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";

const log = createLogger({ level: "error", write: () => {} });
const name = "connection_pool";

/** A store whose answers come when the test says so. */
function slowStore() {
  const kept = new Map<string, Partial<RuleLevels>>();
  const answers: (() => void)[] = [];
  return {
    async ruleChanges() {
      const seen = new Map(kept);
      await new Promise<void>((answer) => answers.push(answer));
      return seen;
    },
    saveRules: (changes: ReadonlyMap<string, Partial<RuleLevels>>) => {
      for (const [rule, levels] of changes) kept.set(rule, levels);
      return Promise.resolve(true);
    },
    kept,
    async answer() {
      while (answers.length > 0) {
        answers.pop()?.(); // the last asked first
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      }
    },
  };
}

Deno.test("rules read before a change do not replace it", async () => {
  const store = slowStore();
  const registry = createRuleRegistry({ initial: shippedRules, store, log });
  const refreshed = registry.refresh();
  const changed = registry.change([{ name, changes: { warning: 0.1 } }]);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await store.answer();
  await Promise.all([refreshed, changed]);
  assert.equal(registry.find(name).warning, 0.1);
});

Deno.test("two concurrent changes are both saved", async () => {
  const store = slowStore();
  const registry = createRuleRegistry({ initial: shippedRules, store, log });
  const both = Promise.all([
    registry.change([{ name, changes: { warning: 0.1 } }]),
    registry.change([{ name, changes: { for_seconds: 7 } }]),
  ]);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await store.answer();
  await both;
  assert.deepEqual([registry.find(name).warning, registry.find(name).for_seconds], [0.1, 7]);
  assert.deepEqual(store.kept.get(name), { warning: 0.1, for_seconds: 7 });
});

Deno.test("a change that fails does not stop the next", async () => {
  const store = slowStore();
  const registry = createRuleRegistry({ initial: shippedRules, store, log });
  await assert.rejects(
    registry.change([{ name: "no_such_rule", changes: { warning: 1 } }]),
    /No rule is named/,
  );
  const changed = registry.change([{ name, changes: { warning: 0.2 } }]);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await store.answer();
  await changed;
  assert.equal(registry.find(name).warning, 0.2);
});
