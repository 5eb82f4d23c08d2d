import assert from "node:assert/strict";
import fc from "fast-check";
import { connectSql } from "../../db/connection.ts";
import {
  isPartAway,
  isUnreachable,
  leftNothing,
  markCommit,
  toHoldfastError,
} from "../../db/errors.ts";
import { inPipelinedTransaction, inTransaction } from "../../db/session/transaction.ts";
import { HoldfastError } from "../../errors.ts";
import { faultOf } from "../../services/ingest/write/fault.ts";
import { mayConcernOne, storeApart } from "../../services/ingest/write/isolation.ts";
import { startApp } from "../helpers/test_app.ts";

/** An error as the driver throws it. */
const answered = (code: string, message: string, where?: string, severity = "ERROR") =>
  Object.assign(new Error(message), { code, severity, where });

const remote = "while executing command on 10.0.0.2:5432";
const essential = "failure on connection marked as essential: 10.0.0.2:5432";
const refused =
  "connection to the remote node citus@10.0.0.2:5432 failed with the following error: Connection refused";

const outages = [
  answered("XX000", essential),
  answered("XX000", refused),
  answered("08006", refused),
  answered("08006", "could not establish any connections to the node 10.0.0.2:5432 after 30000 ms"),
  answered("57P01", "terminating connection due to administrator command", remote),
  answered("57P03", "the database system is starting up", remote),
];

const others = [
  answered("XX000", "could not open relation with OID 16384"),
  answered("XX000", "operation is not allowed on this node"),
  answered("XX000", `tuple concurrently updated near "${essential}"`),
  // A foreign server, and a function that raises what it likes.
  answered("08006", "server closed the connection unexpectedly"),
  answered("08001", 'could not connect to server "other"'),
  answered("57P01", "raised by a function"),
  answered("23505", "duplicate key value", remote),
  answered("40P01", "deadlock detected", remote),
];

Deno.test("a node that is away makes the database unavailable, and leaves the session usable", () => {
  for (const error of outages) {
    const known = toHoldfastError(error);
    assert.deepEqual([known.code, known.message.includes("10.0.0.2")], [
      "database_unavailable",
      false,
    ]);
    assert.ok((known.retryAfterSeconds ?? 0) > 0, error.message);
    for (const one of [error, known]) {
      assert.deepEqual([isPartAway(one), isUnreachable(one), leftNothing(one)], [
        true,
        false,
        true,
      ]);
    }
  }
  for (const error of others) {
    assert.equal(isPartAway(error), false, error.message);
    assert.notEqual(toHoldfastError(error).code, "database_unavailable", error.message);
  }
});

Deno.test("the loss of the coordinator is no outage of a part, whatever its words", () => {
  for (const error of outages) {
    const fatal = Object.assign(new Error(error.message), { ...error, severity: "FATAL" });
    assert.deepEqual([isPartAway(fatal), isUnreachable(fatal)], [false, true]);
  }
});

Deno.test("whatever the code and the words, an error is at most one kind of outage", () => {
  fc.assert(fc.property(
    fc.constantFrom(...[...outages, ...others].map(({ code }) => code), "42P01", "25006"),
    fc.constantFrom(...[...outages, ...others].map(({ message }) => message), ""),
    fc.constantFrom("ERROR", "FATAL", "PANIC"),
    fc.option(fc.constantFrom(remote, "PL/pgSQL function f()"), { nil: undefined }),
    (code, message, severity, where) => {
      const error = answered(code, message, where, severity);
      const part = isPartAway(error);
      assert.ok(!(part && isUnreachable(error)));
      if (part) assert.equal(severity, "ERROR");
      if (part) assert.equal(toHoldfastError(error).code, "database_unavailable");
      const wrapped = toHoldfastError(error);
      assert.equal(isPartAway(wrapped), part, "wrapping changes nothing");
      assert.equal(leftNothing(markCommit(answered(code, message, where, severity))), false);
    },
  ));
});

Deno.test("uploads of a group are stored one by one only where nothing of the group was stored", async () => {
  const early = faultOf(answered("XX000", essential)).error;
  const late = faultOf(markCommit(answered("XX000", essential))).error;
  assert.deepEqual([mayConcernOne(early), mayConcernOne(late)], [true, false]);
  // One upload that meets the outage does not keep back those of other nodes; one that fails at its COMMIT ends the round.
  const outcomes: Record<string, string | HoldfastError> = { a: early, b: "stored", c: late };
  const tried: string[] = [];
  const answers = await storeApart(["a", "b", "c", "b"], {
    storeOne: (upload) => {
      tried.push(upload);
      return Promise.resolve(outcomes[upload]!);
    },
    withinMs: 1_000,
    now: () => 0,
  });
  assert.deepEqual(tried, ["a", "b", "c"]);
  assert.deepEqual(answers, [early, "stored", late, late]);
});

Deno.test("on a real server: such an error of a statement leaves nothing, and one of the commit may have left rows", async () => {
  const app = await startApp();
  const sql = connectSql({
    target: app.holdfast.target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  try {
    await app.sql.unsafe(`
      create function public.lose_node() returns trigger language plpgsql as $$
      begin raise exception using errcode = 'XX000', message = '${essential}'; end $$;
      create table public.remote (n int);
      create constraint trigger at_commit after insert on public.remote
        deferrable initially deferred for each row execute function public.lose_node();
      create trigger at_once before insert on market.ticks
        for each row execute function public.lose_node()`).simple();
    for (
      const run of [
        () => inTransaction(sql, (tx) => tx`insert into public.remote values (1)`),
        () =>
          inPipelinedTransaction(sql, async (tx, opened) => {
            await opened;
            return { answer: 1, last: [tx`insert into public.remote values (1)`.execute()] };
          }),
      ]
    ) {
      const error = await run().then(() => undefined, (thrown) => thrown);
      assert.deepEqual([isPartAway(error), leftNothing(error)], [true, false]);
    }
    const bodies = [{ ts: new Date().toISOString(), symbol: "A", price: 1, size: 1 }];
    const answer = await app.post("/api/ticks?create=true", bodies);
    const problem = await answer.json();
    assert.deepEqual([answer.status, problem.code], [503, "database_unavailable"]);
    assert.ok(Number(answer.headers.get("retry-after")) > 0);
    await app.sql`drop trigger at_once on market.ticks`;
    assert.equal((await app.post("/api/ticks?create=true", bodies)).status, 200);
  } finally {
    await sql.end();
    await app.stop();
  }
});
