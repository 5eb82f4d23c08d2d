import assert from "node:assert/strict";
import { createPool } from "../../db/pool/pool.ts";
import { codeOf } from "../../db/errors.ts";
import { HoldfastError } from "../../errors.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

function poolOf(app: TestApp, max = 2) {
  return createPool({
    target: app.holdfast.target,
    max,
    applicationName: "lost",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooler: { pooled: false },
    waitingMax: 10,
  });
}

Deno.test("connections that die under work neither crash the process nor commit by halves", async (t) => {
  const app = await startApp();
  const pool = poolOf(app);
  const kill = (pid: number) => app.sql`select pg_terminate_backend(${pid}, 5000)`;
  try {
    await app.sql`create table public.lost (step int)`;

    await t.step("lost between the statements of a transaction: nothing of it stays", async () => {
      const failure = await pool.transaction(async (sql) => {
        await sql`insert into public.lost values (1)`;
        const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await kill(row?.pid ?? 0);
        await sql`insert into public.lost values (2)`;
      }).catch((error) => error);
      assert.ok(failure instanceof HoldfastError, String(failure));
      assert.equal(failure.code, "database_unavailable");
      assert.deepEqual([...await app.sql`select step from public.lost`], []);
    });

    await t.step("lost while a statement runs: the statement fails, the pool goes on", async () => {
      const [me] = await pool.run((sql) => sql<{ pid: number }[]>`select pg_backend_pid() as pid`);
      assert.ok(me);
      const running = pool.transaction(async (sql) => {
        await sql`set local statement_timeout = 0`;
        await sql`select pg_sleep(300), pg_backend_pid()`;
      }, { deadlineMs: 300_000 }).catch((e) => e);
      const { pid } = await eventually(async () => {
        const [found] = await app.sql<{ pid: number }[]>`
          select pid from pg_stat_activity where application_name = 'lost' and query like '%pg_sleep%'`;
        return found;
      }, "the statement runs");
      await kill(pid);
      const failure = await running;
      assert.equal(failure.code, "database_unavailable", String(failure));
      const answers = await Promise.all(
        [1, 2, 3, 4].map((n) => pool.run((sql) => sql`select ${n}::int as n`)),
      );
      assert.deepEqual(answers.map(([row]) => row?.n), [1, 2, 3, 4]);
    });

    await t.step("fifty losses in a row leave no connection behind", async () => {
      for (let round = 0; round < 50; round++) {
        await pool.transaction(async (sql) => {
          const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
          const dying = round % 3 === 0
            ? sql`select pg_sleep(3)`.catch(() => {})
            : round % 3 === 1
            ? Promise.all([sql`select pg_sleep(${3}::int4)`, sql`select ${1}::int4`]).catch(
              () => {},
            )
            : Promise.resolve();
          await kill(row?.pid ?? 0);
          await dying;
          await sql`select 1`;
        }).catch(() => {});
      }
      const [left] = await app.sql<{ n: number }[]>`
        select count(*)::int as n from pg_stat_activity where application_name = 'lost'`;
      assert.ok((left?.n ?? 99) <= 2, `${left?.n} connections of a pool of 2`);
      assert.equal(pool.stats().active, 0);
    });

    await t.step("a commit that Postgres turned into a rollback is an error", async () => {
      const failure = await pool.transaction(async (sql) => {
        await sql`insert into public.lost values (1)`;
        await sql`select 1 / 0`.catch((error) => assert.equal(codeOf(error), "22012"));
      }).catch((error) => error);
      assert.ok(failure instanceof HoldfastError);
      assert.deepEqual([...await app.sql`select step from public.lost`], []);
    });
  } finally {
    await pool.end();
    await app.stop();
  }
});
