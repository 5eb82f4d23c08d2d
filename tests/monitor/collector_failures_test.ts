import assert from "node:assert/strict";
import { chooseQuestion } from "../../db/collectors/choose.ts";
import { collectors, tierOf } from "../../db/collectors/list.ts";
import type { Target } from "../../db/connection.ts";
import { describeDatabaseError, isUnreachable, toHoldfastError } from "../../db/errors.ts";
import { HoldfastError } from "../../errors.ts";
import { databaseHealth } from "../../services/monitor/health/health.ts";
import { eventually } from "../helpers/eventually.ts";
import { createLoneMonitor, rewriting } from "../helpers/monitor.ts";
import { majors, onServer, openPlain } from "../helpers/majors.ts";

/** SQLSTATEs that a statement may end with, those among them that elsewhere mean a connection is lost. */
const states = [
  ["22021", "character_not_in_repertoire"],
  ["22P02", "invalid_text_representation"],
  ["22P05", "untranslatable_character"],
  ["42501", "insufficient_privilege"],
  ["42P01", "undefined_table"],
  ["42703", "undefined_column"],
  ["42883", "undefined_function"],
  ["57014", "query_canceled"],
  ["55P03", "lock_not_available"],
  ["53200", "out_of_memory"],
  ["53100", "disk_full"],
  ["40P01", "deadlock_detected"],
  ["25006", "read_only_sql_transaction"],
  ["XX000", "internal_error"],
  ["XX001", "data_corrupted"],
  ["57P01", "admin_shutdown"],
  ["53300", "too_many_connections"],
  ["08006", "connection_failure"],
  ["08P01", "protocol_violation"],
] as const;

const all = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1";

/** The errors that a collector is tried with: by turns, so that each comes with several; every one with HOLDFAST_SLOW_TESTS=1. */
function statesFor(major: 15 | 18, place: number) {
  const wanted = all ? states.length : major === 18 ? 5 : 3;
  return Array.from({ length: wanted }, (_, at) => states[(place * 7 + at) % states.length]!);
}

const tiers = ["fast", "stats", "slow", "hourly"] as const;

Deno.test("an error of a collector affects that collector only, whichever it is and whatever the error", async (t) => {
  for (const major of majors) {
    await t.step(`on Postgres ${major}`, () =>
      onServer(major, async (target) => {
        const sql = openPlain(target);
        await sql.unsafe(`
          create extension pg_stat_statements;
          create schema holdfast_test;
          create function holdfast_test.raise(state text) returns int language plpgsql as $$
          begin
            raise exception using errcode = state, message = 'provoked';
          end $$`).simple();
        let now = Date.now();
        let spoilt: { text: string; state: string } | undefined;
        const provoke = (text: string) =>
          text === spoilt?.text ? `select holdfast_test.raise('${spoilt.state}')` : text;
        const watching = await createLoneMonitor(target, {
          now: () => now,
          wrap: (pool) => rewriting(pool, provoke),
        });
        const { monitor } = watching;
        try {
          // Nobody rotates here.
          await sql`delete from holdfast.partition_policies`;
          // The server's own collector fails from the very start: what depends on its version is read all the same.
          const facts = collectors.find(({ name }) => name === "server")!;
          spoilt = { text: facts.questions[0]!.sql, state: "XX000" };
          for (const tier of tiers) await monitor.runNow(tier);
          for (const { name } of collectors) {
            const { at, missing } = monitor.snapshot().readings[name];
            assert.equal(
              at !== undefined ||
                /^needs Postgres 16$|^TimescaleDB is not|^the database has no citus/.test(
                  missing ?? "",
                ),
              name !== "server",
              name,
            );
          }
          spoilt = undefined;
          for (const tier of tiers) await monitor.runNow(tier);
          const server = monitor.snapshot().readings.server.value?.[0];
          let combinations = 0;
          for (const [place, collector] of collectors.entries()) {
            const choice = chooseQuestion(collector, server);
            if ("missing" in choice) continue;
            const standing = new Set(watching.firing());
            for (const [state] of statesFor(major, place)) {
              spoilt = { text: choice.sql, state };
              now += 1_000;
              await monitor.runNow(collector.tier);
              if (collector.tier !== "fast") await monitor.runNow("fast");
              const what = `${collector.name} ${state}`;
              const snapshot = monitor.snapshot();
              const { readings, view } = snapshot;
              assert.equal(snapshot.unreachable, undefined, what);
              assert.match(readings[collector.name].error ?? "", new RegExp(`^${state}: provoked`));
              for (const { name } of collectors) {
                if (readings[name].missing !== undefined) continue;
                assert.equal(
                  view.rows(name) === undefined,
                  name === collector.name,
                  `${what}: ${name}`,
                );
                const due = [collector.tier, "fast"].includes(tierOf(name)) &&
                  name !== collector.name;
                if (due) assert.equal(readings[name].at, now, `${what}: ${name} was read`);
              }
              // Each provoked error is a transaction rolled back where little else runs; nobody vacuums; the test's clock
              // runs away from the server's.
              const expected = new Set([...standing, "rollbacks", "clock_skew"]);
              const firing = watching.firing().filter((one) =>
                !expected.has(one) && !one.endsWith(":holdfast.samples")
              );
              assert.deepEqual(firing, ["collector_failing:" + collector.name], what);
              const { checks } = databaseHealth(snapshot);
              const amiss = checks.filter(({ status }) => status !== "healthy")
                .map(({ name, detail }) => [name, detail]);
              assert.deepEqual(
                amiss,
                [[`collector:${collector.name}`, `${state}: provoked`]],
                what,
              );
              combinations++;
            }
            spoilt = undefined;
            await monitor.runNow(collector.tier);
            await monitor.runNow("fast");
            assert.ok(
              !watching.firing().includes("collector_failing:" + collector.name),
              "well again",
            );
          }
          assert.ok(
            combinations >= 22 * statesFor(major, 0).length,
            `${combinations} combinations`,
          );
        } finally {
          await watching.stop();
          await sql.end();
        }
      }));
  }
});

Deno.test("a session that an administrator ends is no outage; a server that takes no connection is, and says why", async (t) => {
  for (const major of majors) {
    await t.step(`on Postgres ${major}`, () => onServer(major, endSessions));
  }
});

async function endSessions(target: Target): Promise<void> {
  const sql = openPlain(target);
  await sql.unsafe(`
    create role watcher login in role pg_monitor;
    grant create on database postgres to watcher`).simple();
  const as: Target = target.kind === "socket"
    ? { ...target, user: "watcher" }
    : { kind: "url", url: target.url.replace("postgres@", "watcher@") };
  let spoilt: string | undefined;
  const watching = await createLoneMonitor(as, {
    wrap: (pool) =>
      rewriting(
        pool,
        (text) => text === spoilt ? "select pg_terminate_backend(pg_backend_pid())" : text,
      ),
  });
  const { monitor } = watching;
  const endAll = () =>
    sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'watcher'`;
  const errors = () =>
    Object.entries(monitor.snapshot().readings).filter(([, { error }]) => error !== undefined)
      .map(([name, { error }]) => [name, error]);
  try {
    for (const tier of tiers) await monitor.runNow(tier);
    for (const tier of tiers) {
      await endAll();
      await monitor.runNow(tier);
      assert.equal(monitor.snapshot().unreachable, undefined);
      assert.deepEqual(errors(), [], `${tier}: asked once more on a new connection`);
    }
    for (const name of ["activity", "locks", "wal"] as const) {
      const found = collectors.find((one) => one.name === name)!;
      spoilt = found.questions[0]!.sql;
      await monitor.runNow(found.tier);
      await monitor.runNow("fast");
      assert.equal(monitor.snapshot().unreachable, undefined, `${name} ends its own session`);
      assert.deepEqual(errors().map(([failed]) => failed), [name]);
      assert.match(String(errors()[0]?.[1]), /^(57P01|CONNECTION_CLOSED): /);
      spoilt = undefined;
      await monitor.runNow(found.tier);
    }
    await sql`alter role watcher connection limit 0`;
    await endAll();
    await monitor.runNow("fast");
    assert.match(monitor.snapshot().unreachable?.error ?? "", /^53300: too many connections/);
    await sql`alter role watcher connection limit -1`;
    await monitor.runNow("fast");
    assert.equal(monitor.snapshot().unreachable, undefined, "it takes connections again");
  } finally {
    await watching.stop();
    await sql.end();
  }
}

Deno.test("what our own busy connection kept from being asked is asked within the 30 s tier, not an hour later", async () => {
  await onServer(18, async (target) => {
    let busy = true;
    const { monitor, stop } = await createLoneMonitor(target, {
      wrap: (pool) => ({
        ...pool,
        run: (work, options) =>
          busy
            ? Promise.reject(new HoldfastError("overloaded", "No turn came in time"))
            : pool.run(work, options),
      }),
    });
    try {
      await monitor.runNow("hourly");
      assert.ok(monitor.snapshot().readings.indexes.unasked);
      busy = false;
      await monitor.runNow("stats");
      await eventually(
        () => monitor.snapshot().readings.indexes.at !== undefined,
        "the hourly tier is asked again",
      );
      assert.equal(monitor.snapshot().unreachable, undefined);
    } finally {
      await stop();
    }
  });
});

Deno.test("only FATAL and PANIC of a server, and errors without a server, mean that the connection is lost", () => {
  const said = (severity: string | undefined, code: string) =>
    Object.assign(new Error("provoked"), { code, ...(severity ? { severity } : {}) });
  for (const [state] of states) {
    assert.equal(isUnreachable(said("ERROR", state)), false, state);
    assert.equal(isUnreachable(toHoldfastError(said("ERROR", state))), false, state);
    assert.notEqual(toHoldfastError(said("ERROR", state)).code, "database_unavailable", state);
    assert.equal(isUnreachable(said("FATAL", state)), true, state);
  }
  for (const state of ["57P01", "57P02", "57P03", "57P05", "53300", "28P01", "3D000", "08P01"]) {
    assert.equal(toHoldfastError(said("FATAL", state)).code, "database_unavailable", state);
  }
  for (const code of ["ECONNREFUSED", "ECONNRESET", "CONNECTION_CLOSED", "CONNECT_TIMEOUT"]) {
    assert.equal(isUnreachable(said(undefined, code)), true, code);
    assert.equal(toHoldfastError(said(undefined, code)).code, "database_unavailable", code);
  }
  assert.equal(
    describeDatabaseError(
      Object.assign(said("FATAL", "53300"), { message: "sorry, too many clients already" }),
    ),
    "53300: too many connections: sorry, too many clients already",
  );
});
