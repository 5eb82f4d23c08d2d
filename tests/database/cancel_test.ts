import assert from "node:assert/strict";
import { Canceller } from "../../db/cancel.ts";

Deno.test("a statement is cancelled also when many others wait behind it", async () => {
  const session = {};
  const cancelled: object[] = [];
  const queryOf = (state: object | null) => ({
    state,
    canceller: (query: { state: object }) => {
      cancelled.push(query.state);
      return Promise.resolve();
    },
  });
  const canceller = new Canceller();
  canceller.note(queryOf(session));
  for (let n = 0; n < 20; n++) canceller.note(queryOf(null));
  await canceller.cancel();
  assert.equal(cancelled.length, 1);
  assert.equal(cancelled[0], session);
});

Deno.test("statements that were sent behind the one that runs are known, and parts that are never sent are none", () => {
  const query = (state: object | null, active = false) => ({ state, active, canceller: null });
  const pidOf = (...queries: ReturnType<typeof query>[]) => {
    const canceller = new Canceller();
    for (const one of queries) canceller.note(one);
    return canceller.pipelinedProcess();
  };
  const session = { pid: 7, secret: 1 };
  assert.equal(pidOf(), undefined);
  assert.equal(pidOf(query(session), query(session, true)), undefined);
  assert.equal(pidOf(query(session, true), query(null)), undefined);
  assert.equal(pidOf(query(session, true), query(session)), 7);
  const many = Array.from({ length: 20 }, () => query(session));
  assert.equal(pidOf(query(session, true), ...many), 7);
});
