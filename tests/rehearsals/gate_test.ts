import assert from "node:assert/strict";
import { exitCodeOf } from "../../commands/rehearse.ts";

const done = (
  verdict: "worth_it" | "not_worth_it" | "harmful" | "cannot_tell",
  ...statements: ("improved" | "worse" | "unclear")[]
) => ({
  status: "done" as const,
  verdict,
  statements: statements.map((one) => ({ verdict: one })),
});

Deno.test("a gate fails for harm, for any regression, or only for a rehearsal that did not end", () => {
  const codes = (...of: Parameters<typeof done>) =>
    [undefined, "harmful", "regression"].map((failOn) => exitCodeOf(done(...of), failOn));
  assert.deepEqual(codes("worth_it", "improved"), [0, 0, 0]);
  assert.deepEqual(codes("harmful", "worse"), [0, 1, 1]);
  // On the whole it is worth it, but a statement got slower.
  assert.deepEqual(codes("worth_it", "improved", "worse"), [0, 0, 1]);
  assert.deepEqual(codes("cannot_tell", "unclear"), [0, 0, 0]);
  for (const status of ["failed", "aborted"] as const) {
    assert.equal(exitCodeOf({ status, verdict: null, statements: [] }, undefined), 1);
  }
});
