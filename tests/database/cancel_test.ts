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
