// Runs alone: its server starts with the import.
import assert from "node:assert/strict";
import { againstPgbench, type Comparison, readPgbench } from "../../bench/cases/pgbench/cases.ts";
import { connectLibpq } from "../../bench/cases/pgbench/libpq.ts";
import { conninfoOf, findPgbench, runPgbench } from "../../bench/cases/pgbench/program.ts";
import { startTempServer } from "../../bench/temp_server.ts";
import { connectSql } from "../../db/connection.ts";
import { findLibpq } from "../../db/embedded/binaries.ts";
import { quoteTable } from "../../db/sql.ts";
import type { BenchmarkContext } from "../../services/benchmarks/case.ts";
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import { testWith } from "../helpers/skip.ts";

const server = await startTempServer();
const libpq = await findLibpq();
const conninfo = conninfoOf(server.target);
const connect = (max: number) =>
  connectSql({
    target: server.target,
    max,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
const sql = connect(2);

Deno.test.afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop();
});

const ctx: BenchmarkContext = {
  sql,
  schema: "public",
  profile: "quick",
  seed: 1,
  slotMs: 1_000,
  dataShare: 1,
  random: createRandom(1),
  signal: new AbortController().signal,
  now: () => performance.now(),
  connect,
  disconnect: (own) => own.end({ timeout: 1 }),
  table: (name) => quoteTable("public", name),
};

const pgbenchProgram = {
  what: "pgbench (Debian's package postgresql-contrib)",
  present: (() => {
    try {
      return findPgbench() !== "";
    } catch {
      return false;
    }
  })(),
};

const comparison: Comparison = {
  libpq,
  conninfo,
  span: 1,
  clients: 2,
  seconds: 1,
  pgbench: (args) => runPgbench(server.target, args),
};

Deno.test("a query over libpq answers its rows, for any whole number", () => {
  const connection = connectLibpq(libpq, {
    conninfo,
    query: "select from generate_series(1, $1::int8) where $2::int8 = $3::text::int8",
    params: 3,
  });
  for (const number of [0, 7, 10, 99, 100, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
    assert.equal(connection.query([3, number, number]), 3, String(number));
  }
  assert.equal(connection.query([3, 10, 11]), 0);
  connection.close();
});

Deno.test("libpq's refusals are told in the server's words", () => {
  const work = { query: "select 1 where $1::int8 > 0", params: 1 };
  assert.throws(
    () => connectLibpq(libpq, { ...work, conninfo: `${conninfo} dbname=nowhere` }),
    /database "nowhere" does not exist/,
  );
  assert.throws(
    () => connectLibpq(libpq, { ...work, conninfo, query: "select * from nothing_here" }),
    /relation "nothing_here" does not exist/,
  );
  const connection = connectLibpq(libpq, { conninfo, query: "select 1 / $1::int8", params: 1 });
  assert.throws(() => connection.query([0]), /division by zero/);
  assert.equal(connection.query([1]), 1, "the connection goes on");
  connection.close();
});

Deno.test("what pgbench says is read without the time it took to connect", () => {
  const said = `number of transactions actually processed: 1000
number of failed transactions: 0 (0.000%)
latency average = 0.1 ms
initial connection time = 12.5 ms
tps = 2000.000000 (without initial connection time)
`;
  assert.deepEqual(readPgbench(said), { units: 1_000, elapsedMs: 500 });
  assert.throws(() => readPgbench(said.replace("transactions: 0", "transactions: 3")), /3 trans/);
  assert.throws(() => readPgbench("pgbench: fatal"), /pgbench: fatal/);
});

let filling: Promise<string> | undefined;
const filled = () => filling ??= comparison.pgbench(["-i", "-q", "-s", "10"]);

for (const over of ["libpq", "postgres.js"] as const) {
  testWith(
    pgbenchProgram,
    `pgbench and this runner over ${over}: the server counted each query, and sees a false claim`,
    async () => {
      await filled();
      const bench = againstPgbench(comparison, over);
      const { baseline, candidate } = bench.arms;
      const [claimed, padded] = [await bench.setup(ctx), await bench.setup(ctx)];
      const theirs = await baseline.run(ctx, claimed);
      const ours = await candidate.run(ctx, claimed);
      assert.ok(theirs.units > 100 && ours.units > 100, JSON.stringify({ theirs, ours }));
      const claims = (more: number) => ({
        baseline: { units: theirs.units, runs: 1 },
        candidate: { units: ours.units + more, runs: 1 },
      });
      assert.equal((await bench.verify(ctx, claimed, claims(0))).problem, null);
      let ms = 0;
      const hurried = { ...ctx, now: () => ms += 5_000 }; // the counters have come; no need to wait for more
      const { problem } = await bench.verify(hurried, padded, claims(1));
      assert.match(problem ?? "", /the server counted/);
    },
  );
}
