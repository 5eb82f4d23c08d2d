import assert from "node:assert/strict";
import { toHoldfastError } from "../../db/errors.ts";
import { startApp } from "../helpers/test_app.ts";

interface Problem {
  status: number;
  code: string;
  detail: string;
  sqlstate?: string;
}

Deno.test("a problem names the server's code, and no cause that was not seen", async () => {
  const app = await startApp();
  const problem = async (answer: Response) => await answer.json() as Problem;
  const tick = { ts: new Date().toISOString(), symbol: "SPY", price: 170.5, size: 100 };
  try {
    const first = await app.post("/api/ticks?create=true", [{ ...tick, exchange: "P" }]);
    assert.equal(first.status, 200, await first.text());
    await app.sql`alter table market.ticks add constraint cheap check (price < 1000)`;
    const refused = await problem(
      await app.post("/api/ticks?create=true", [{ ...tick, price: 2_000, exchange: "P" }]),
    );
    assert.deepEqual([refused.status, refused.code, refused.sqlstate], [
      500,
      "database_error",
      "23514",
    ]);
    assert.match(refused.detail, /check constraint "cheap" refuses a row/);
    await app.sql`alter table market.instruments rename to elsewhere`;
    const lost = await problem(await app.request("/api/instruments"));
    assert.deepEqual([lost.status, lost.code, lost.sqlstate], [500, "database_error", "42P01"]);
    assert.ok(!JSON.stringify(lost).includes("market.instruments"), "its words may quote anything");
    const unasked = await problem(await app.request("/api/nothing"));
    assert.equal(unasked.sqlstate, undefined, "no server spoke");
  } finally {
    await app.stop();
  }
});

Deno.test("a cancelled statement and a want of memory are told by what the server says of them", () => {
  const said = (code: string, message: string) =>
    toHoldfastError(Object.assign(new Error(message), { code, severity: "ERROR" })).message;
  assert.equal(
    said("57014", "canceling statement due to statement timeout"),
    "The database did not finish in time",
  );
  assert.equal(
    said("57014", "canceling statement due to user request"),
    "The statement was cancelled by another session",
  );
  assert.equal(
    said("57014", "canceling statement due to conflict with recovery"),
    "The database cancelled the statement",
  );
  assert.equal(said("53200", "out of memory"), "The database has no memory left");
  assert.match(said("53200", "out of shared memory"), /max_locks_per_transaction/);
  assert.match(said("55P03", "canceling statement due to lock timeout"), /GET \/api\/locks/);
});
