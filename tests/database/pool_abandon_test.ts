import assert from "node:assert/strict";
import type { Sql } from "../../db/connection.ts";
import { createPool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { startBouncer } from "../helpers/bouncer.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { debianPostgres, pgbouncer, testWith } from "../helpers/skip.ts";

const needs = {
  what: `${pgbouncer.what} and ${debianPostgres.what}`,
  present: pgbouncer.present && debianPostgres.present,
};

/** A COPY that waits for a lock, as it does for an upload. */
async function copyInto(sql: Sql): Promise<void> {
  await sql`set local lock_timeout = 0`;
  const stream = await sql`copy stuck from stdin`.writable();
  await new Promise<void>((resolve, reject) => {
    stream.on("error", reject);
    stream.on("finish", resolve);
    stream.end("1\n");
  });
}

const works: [what: string, transaction: boolean, work: (sql: Sql) => Promise<unknown>][] = [
  ["a statement", false, (sql) => sql`select pg_sleep(60)`],
  ["a statement after another", false, async (sql) => {
    await sql`select ${1}::int`;
    await sql.unsafe("select pg_sleep(60)");
  }],
  ["a statement made of parts", false, (sql) => sql`select pg_sleep(60) ${sql`where ${true}`}`],
  [
    "statements sent together",
    false,
    (sql) => Promise.all([sql`select pg_sleep(60)`, sql`insert into kept values (2)`]),
  ],
  ["a transaction", true, async (sql) => {
    await sql`insert into kept values (1)`;
    await sql`select pg_sleep(60)`;
  }],
  ["a COPY", true, copyInto],
];

testWith(
  needs,
  "work that nobody waits for any more ends on the server, directly and behind PgBouncer",
  async () => {
    const server = await createDebianServer();
    await server.start();
    const bouncer = await startBouncer(server);
    const direct = bouncer.url.replace(/:\d+\//, `:${server.port}/`);
    const watch = createPool({
      target: { kind: "url", url: direct },
      pooler: { pooled: false },
      max: 2,
      waitingMax: 1,
      applicationName: "watch",
      statementTimeoutMs: 60_000,
      lockTimeoutMs: 60_000,
    });
    const running = async () => {
      const [row] = await watch.run((sql) =>
        sql<{ count: number }[]>`
          select count(*)::int4 as count
          from pg_stat_activity
          where state = 'active' and query ~ 'pg_sleep|copy stuck' and pid <> pg_backend_pid()`
      );
      return row?.count ?? 0;
    };
    try {
      await watch.run(async (sql) => {
        await sql`create table stuck (id int)`;
        await sql`create table kept (id int)`;
      });
      for (const [url, pooled] of [[direct, false], [bouncer.url, true]] as const) {
        const pool = createPool({
          target: { kind: "url", url },
          pooler: { pooled },
          max: 1,
          waitingMax: 5,
          applicationName: "abandoned",
          statementTimeoutMs: 60_000,
          lockTimeoutMs: 60_000,
        });
        for (const [what, transaction, work] of works) {
          const where = `${what} ${pooled ? "behind PgBouncer" : "directly"}`;
          // Ending a session takes another one.
          const leavingMs = what === "statements sent together" ? 10_000 : 1_000;
          await within(leavingMs, `${where} is gone`, async () => {
            const release = Promise.withResolvers<void>();
            const locked = Promise.withResolvers<void>();
            const holding = watch.transaction(async (sql) => {
              await sql`lock table stuck`;
              locked.resolve();
              await release.promise;
            });
            await locked.promise;
            const leaving = new AbortController();
            const { signal } = leaving;
            const outcome = (transaction ? pool.transaction(work, { signal }) : pool.run(work, {
              signal,
            })).then(() => "done", (error: HoldfastError) => error.code);
            const waiting = pool.run((sql) => sql`select 1 as one`);
            await eventually(async () => await running() === 1, `${where} runs`);
            const left = performance.now();
            leaving.abort();
            assert.equal(await outcome, "client_left", where);
            await eventually(async () => await running() === 0, `${where} is gone`);
            const took = performance.now() - left;
            assert.equal((await waiting)[0]?.one, 1, "the next in the queue is served");
            await eventually(() => pool.stats().active === 0, "its place is free");
            release.resolve();
            await holding;
            return took;
          });
        }
        const [row] = await pool.run((sql) => sql`select count(*)::int4 as count from kept`);
        assert.equal(row?.count, 0, "what was not committed is not there");
        await pool.end();
      }
    } finally {
      await watch.end();
      await bouncer.stop();
      await server.remove();
    }
  },
);
