import assert from "node:assert/strict";
import { overWords, plain, scopeWords } from "../../web/alerts/words.js";

Deno.test("an ended alert is described without its message", () => {
  const alert = {
    rule: "partition_runway",
    alert_type: "partition_runway_critical",
    message: "No partition takes rows of the present",
    scope: { table: "market.ticks" },
    started_at: "2026-01-05T09:00:00Z",
    resolved_at: "2026-01-05T09:04:00Z",
  };
  const text = overWords(alert);
  assert.equal(text, "Partition runway (table market.ticks) is over after 4 min");
  assert.equal(overWords({ ...alert, scope: null, resolved_at: null }), "Partition runway is over");
});

Deno.test("evidence of any shape is shown as text", () => {
  assert.equal(
    plain([{ from: "2026-01-01", to: "2026-01-02" }, { from: "2026-01-05", to: null }]),
    "from 2026-01-01, to 2026-01-02; from 2026-01-05, to unknown",
  );
  assert.equal(
    plain({ idle_sessions: [], seconds: 12.5, on: true }),
    "idle sessions none, seconds 12.5, on true",
  );
  assert.match(plain(Array.from({ length: 14 }, (_, n) => n)), /^0; 1; .*9; 4 more$/);
  assert.equal(scopeWords(null), "");
  assert.equal(scopeWords({ table: "a.b", slot: "c" }), "table a.b, slot c");
});
