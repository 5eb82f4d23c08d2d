import assert from "node:assert/strict";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { createPool, type Pool } from "../../db/pool/pool.ts";
import { type ErrorCode, HoldfastError } from "../../errors.ts";
import { createLogger } from "../../log.ts";
import { embeddedPassword } from "../helpers/embedded_url.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { type Proxy, startProxy } from "../helpers/proxy.ts";

let folder = "";
let server: EmbeddedServer;
let proxy: Proxy;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-pool-" });
  await Deno.chmod(folder, 0o755);
  server = await createEmbeddedServer({
    dataDir: folder,
    log: createLogger({ level: "error", write: () => {} }),
  });
  await server.start();
  assert.ok(server.target.kind === "socket");
  proxy = startProxy(`${server.target.directory}/.s.PGSQL.5432`);
});

Deno.test.afterAll(async () => {
  await proxy.stop();
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

async function withPool(
  options: { max?: number; waitingMax?: number; statementTimeoutMs?: number; idleMs?: number },
  work: (pool: Pool) => Promise<void>,
): Promise<void> {
  const pool = createPool({
    target: {
      kind: "url",
      url: `postgres://postgres:${
        embeddedPassword(server.target)
      }@127.0.0.1:${proxy.port}/holdfast`,
    },
    max: 2,
    waitingMax: 3,
    applicationName: "pool_test",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooler: { pooled: false },
    ...options,
  });
  try {
    await work(pool);
  } finally {
    await pool.end();
  }
}

const sleep = (pool: Pool, seconds: number, deadlineMs?: number) =>
  pool.run(
    (sql) => sql`select pg_sleep(${seconds})`,
    deadlineMs === undefined ? {} : { deadlineMs },
  );

async function refusal(work: Promise<unknown>): Promise<HoldfastError> {
  const error = await work.then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof HoldfastError, `it failed with ${error}`);
  return error;
}

const refusedAs = async (code: ErrorCode, work: Promise<unknown>) =>
  assert.equal((await refusal(work)).code, code);

const alive = (pool: Pool) => pool.run((sql) => sql<{ one: number }[]>`select 1 as one`);

Deno.test("beyond the pool a bounded queue waits; beyond the queue requests are refused at once", async () => {
  await withPool({}, async (pool) => {
    const began = performance.now();
    const served = [1, 2, 3, 4, 5].map(() => sleep(pool, 0.2));
    const full = pool.stats();
    assert.deepEqual(
      [full.size, full.active, full.idle, full.waiting, full.utilization],
      [2, 2, 0, 3, 1],
    );
    // Before anything that waits for time or for the server.
    const error = await Promise.race([
      refusal(sleep(pool, 0.2)),
      new Promise<undefined>((done) => setTimeout(() => done(undefined), 0)),
    ]);
    assert.ok(error, "without waiting");
    assert.equal(error.code, "overloaded");
    assert.ok(error.retryAfterSeconds);
    await Promise.all(served);
    const took = performance.now() - began;
    const { active, waiting, utilization, acquire_wait_ms: wait } = pool.stats();
    assert.deepEqual([active, waiting, utilization], [0, 0, 0]);
    assert.ok(wait.p99 >= 350 && wait.p99 < took, `the last waited for two others: ${wait.p99}`);
    assert.ok(wait.p50 >= 150 && wait.p50 <= wait.p95 && wait.p95 <= wait.p99);
  });
});

Deno.test("who waits too long for a turn is refused and leaves the queue", async () => {
  await withPool({ max: 1 }, async (pool) => {
    const busy = sleep(pool, 0.5);
    await refusedAs("overloaded", sleep(pool, 0, 100));
    assert.equal(pool.stats().waiting, 0);
    await busy;
    await alive(pool);
  });
});

Deno.test("one request past its deadline does not disturb the others", async () => {
  await withPool({}, async (pool) => {
    const other = sleep(pool, 0.5);
    await refusedAs("deadline_exceeded", sleep(pool, 3, 150));
    await other;
    await alive(pool);
  });
});

Deno.test("what a request waited for its connection is not taken from its work, where the work has a time of its own", async () => {
  await withPool({ max: 1 }, async (pool) => {
    // Each keeps to its time although a busy machine adds half a second; both together do not.
    await alive(pool);
    const first = sleep(pool, 0.6);
    const options = { deadlineMs: 1_100, workMs: 1_100 };
    const [row] = await pool.run(
      (sql) => sql`select 1 as one, pg_sleep(0.6)::text as slept`,
      options,
    );
    assert.equal(row?.one, 1);
    await first;
    const late = await refusal(pool.run((sql) => sql`select pg_sleep(2)`, options));
    assert.equal(late.code, "deadline_exceeded");
  });
});

Deno.test("a statement past statement_timeout is ended by the server", async () => {
  await withPool({ statementTimeoutMs: 200 }, async (pool) => {
    await refusedAs("deadline_exceeded", sleep(pool, 3));
    await alive(pool);
  });
});

Deno.test("a link that went silent is given up at the deadline and replaced", async () => {
  await withPool({ max: 2 }, async (pool) => {
    await Promise.all([alive(pool), alive(pool)]);
    await within(1_000, "at the deadline", async () => {
      proxy.silence();
      const asked = performance.now();
      await Promise.all([1, 2].map(() => refusedAs("deadline_exceeded", sleep(pool, 0, 300))));
      const took = performance.now() - asked;
      await Promise.all([alive(pool), alive(pool)]);
      return took;
    });
    await eventually(() => pool.stats().active === 0, "no connection stays stuck");
  });
});

Deno.test("a link that is cut fails what it carried, and the next request gets a new one", async () => {
  await withPool({ max: 1 }, async (pool) => {
    await alive(pool);
    const carried = refusedAs("database_unavailable", sleep(pool, 3));
    await eventually(
      async () => {
        proxy.cut();
        await new Promise((done) => setTimeout(done, 10));
        return proxy.connections() === 0;
      },
      "it is cut",
    );
    await carried;
    await alive(pool);
  });
});

Deno.test("nobody listens: every request says so, none hangs", async () => {
  const gone = startProxy("/nowhere");
  await gone.stop();
  const pool = createPool({
    target: { kind: "url", url: `postgres://postgres@127.0.0.1:${gone.port}/holdfast` },
    max: 1,
    waitingMax: 3,
    applicationName: "pool_test",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooler: { pooled: false },
  });
  for (let again = 0; again < 4; again++) {
    await within(3_000, "none hangs", async () => {
      const asked = performance.now();
      await refusedAs("database_unavailable", alive(pool));
      return performance.now() - asked;
    });
  }
  await pool.end();
});

Deno.test("an ended pool refuses who waits and who comes", async () => {
  await withPool({ max: 1 }, async (pool) => {
    await alive(pool);
    const busy = sleep(pool, 0.3);
    await new Promise((done) => setTimeout(done)); // let the statement go out
    const waiting = refusedAs("shutting_down", sleep(pool, 0));
    const ended = pool.end();
    await waiting;
    await refusedAs("shutting_down", alive(pool));
    await busy;
    await ended;
  });
});

Deno.test("a pipelined transaction stores what its last statements bring, or nothing", async () => {
  await withPool({ max: 1 }, async (pool) => {
    await pool.run((sql) => sql`create table pipelined (n int primary key)`);
    const add = (...numbers: number[]) =>
      pool.pipelinedTransaction(async (sql, opened) => {
        const seen = sql`select 1`.execute(); // sent together with the opening
        await opened;
        await seen;
        await sql`insert into pipelined values (0)`;
        return {
          answer: numbers.length,
          last: numbers.map((n) => sql`insert into pipelined values (${n})`.execute()),
        };
      });
    const stored = () => pool.run((sql) => sql`select n from pipelined order by n`);
    const because = (words: RegExp) => (error: Error) => words.test(`${error} ${error.cause}`);

    await assert.rejects(add(1, 1, 2), because(/pipelined_pkey/));
    assert.deepEqual([...await stored()], []);

    const broken = pool.pipelinedTransaction(async (sql) => {
      await sql`insert into pipelined values (3)`;
      throw new Error("the work failed");
    });
    await assert.rejects(broken, because(/the work failed/));
    assert.deepEqual([...await stored()], []);

    const swallowed = pool.pipelinedTransaction(async (sql) => {
      await sql`insert into pipelined values (4)`;
      await sql`select 1 / 0`.catch(() => {});
      return { answer: undefined, last: [] };
    });
    await assert.rejects(swallowed, because(/ended with ROLLBACK/));
    assert.deepEqual([...await stored()], []);

    assert.equal(await add(1, 2), 2);
    assert.deepEqual([...await stored()], [{ n: 0 }, { n: 1 }, { n: 2 }]);
  });
});

Deno.test("with a bound on idleness unused sessions end, and the next work begins another", async () => {
  const sessionOf = (pool: Pool) =>
    pool.run(async (sql) => {
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      return row?.pid ?? 0;
    });
  await withPool({ idleMs: 50 }, async (brief) => {
    const first = await sessionOf(brief);
    await withPool({}, async (pool) => {
      const sessions = async () =>
        (await pool.run((sql) =>
          sql<{ pid: number }[]>`
            select pid
            from pg_stat_activity
            where application_name = 'pool_test'`
        )).map(({ pid }) => pid);
      await eventually(async () => !(await sessions()).includes(first), "the session has ended");
      // Work that lasts longer than the bound is not idle.
      const during = brief.run(async (sql) => {
        await sql`select pg_sleep(0.2)`;
        const [row] = await sql<{ one: number }[]>`select 1 as one`;
        return row?.one;
      });
      assert.equal(await during, 1);
      assert.notEqual(await sessionOf(brief), first);
    });
  });
});
