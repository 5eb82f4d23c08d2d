import assert from "node:assert/strict";
import { HoldfastError } from "../../errors.ts";
import { faultOf } from "../../services/ingest/write/fault.ts";

const thrown = (code: string, constraint_name?: string) =>
  Object.assign(new Error("the server's words"), { code, severity: "ERROR", constraint_name });

Deno.test("a fault of an upload names its code and the caches that it proves stale", () => {
  const cases: [unknown, string, boolean, boolean][] = [
    [new HoldfastError("malformed_body", "not ticks"), "malformed_body", false, false],
    [thrown("53100"), "storage_full", true, false],
    [thrown("23514"), "database_unavailable", true, true],
    [thrown("23514", "price_is_positive"), "database_error", true, true],
    [thrown("23503"), "database_unavailable", true, true],
    [thrown("40P01"), "lock_timeout", true, false],
  ];
  for (const [error, code, staleSymbols, stalePartitions] of cases) {
    const fault = faultOf(error);
    assert.deepEqual(
      [fault.error.code, fault.staleSymbols, fault.stalePartitions],
      [code, staleSymbols, stalePartitions],
    );
    assert.ok(!fault.error.message.includes("the server's words"));
  }
});

Deno.test("a fault caused by a check constraint names the constraint", () => {
  assert.match(faultOf(thrown("23514", "price_is_positive")).error.message, /"price_is_positive"/);
});
