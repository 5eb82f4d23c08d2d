import assert from "node:assert/strict";
import { runCommand, unprivilegedUser } from "../../db/embedded/command.ts";
import { AlertList } from "../../routes/alerts/schemas.ts";
import { calm, step } from "../../services/alerts/evaluation/step.ts";
import type { Rule } from "../../services/alerts/rules/rule.ts";
import { shippedRules } from "../../services/alerts/rules/catalog/list.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { freePort } from "../helpers/process.ts";
import { connectSql, type Sql } from "../../db/connection.ts";
import { quoteLiteral } from "../../db/sql.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { watch } from "../helpers/watched.ts";

/** A standby of `url`, made by pg_basebackup, streaming. */
async function startStandby(url: string) {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-standby-" });
  const as = unprivilegedUser();
  await Deno.chmod(folder, 0o755);
  if (as) await Deno.chown(folder, as.uid, as.gid);
  const run = async (tool: string, args: string[]) => {
    const { code, output } = await runCommand(`${debianPostgres.bin}/${tool}`, args, {
      as,
      timeoutMs: 60_000,
    });
    if (code !== 0) throw new Error(`${tool} ended with ${code}: ${output}`);
  };
  const data = `${folder}/data`;
  const port = freePort();
  await run("pg_basebackup", [
    "--pgdata",
    data,
    "--dbname",
    `${url}?application_name=standby_one`,
    "--write-recovery-conf",
    "--checkpoint",
    "fast",
  ]);
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
  const start = () =>
    run("pg_ctl", ["start", "-D", data, "--wait", "--log", `${folder}/log`, "-o", options]);
  const stop = () => run("pg_ctl", ["stop", "-D", data, "--mode", "immediate", "--wait"]);
  await start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    start,
    stop,
    async remove() {
      await stop().catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const open = (url: string): Sql =>
  connectSql({
    target: { kind: "url", url },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

async function setLevels(app: TestApp, name: string, changes: Record<string, number | null>) {
  const answer = await app.request("/api/alerts/rules", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      rules: [{ name, ...changes, for_seconds: 0, keep_firing_seconds: 0, cooldown_seconds: 0 }],
    }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

testWith(
  debianPostgres,
  "a standby that falls behind is seen from its primary, and sees itself what it lacks",
  async (t) => {
    const primary = await createDebianServer({ settings: ["wal_keep_size=64MB"] });
    await primary.start();
    const standby = await startStandby(primary.url);
    const app = await startApp({
      DATABASE_URL: primary.url,
      HOLDFAST_FAST_TIER_SECONDS: "1",
      HOLDFAST_BROADCAST_SECONDS: "1",
    });
    const there = open(standby.url);
    const watched = watch({ kind: "url", url: standby.url });
    const alerts = async (query: string) =>
      AlertList.parse(await app.json(`/api/alerts?state=${query}`)).alerts
        .filter(({ rule }) => /^(replication|standby)_/.test(rule));
    const value = (name: string) =>
      app.holdfast.monitor.snapshot().signals.find((one) => one.name === name);
    /** Whether a rule fires on what the standby itself reads: no Holdfast can keep its records there. */
    const judged = (name: string, changes: Partial<Rule> = {}) => {
      const rule = shippedRules.find((one) => one.name === name)!;
      const value = watched.value(rule.metric) ?? null;
      assert.ok(value !== null, `${rule.metric} is known`);
      const { transition } = step({ ...rule, ...changes, for_seconds: 0 }, calm, value, Date.now());
      return transition?.kind === "fired";
    };
    try {
      await t.step(
        "a standby that has replayed everything has no lag, and no alert fires",
        async () => {
          await setLevels(app, "replication_lag", {
            warning: 1_000_000,
            critical: null,
            clear: 1_000,
          });
          await setLevels(app, "replication_delay", { warning: 0.5, critical: null, clear: 0.2 });
          // A busy machine may have held the standby up for longer than these levels: it is judged where it has caught up.
          await eventually(async () => {
            await app.holdfast.monitor.runNow("stats");
            const lag = value("replication_lag_bytes");
            const delay = value("replication_lag_seconds");
            if (lag?.value !== 0 || (delay?.value ?? 0) > 0.2) return false;
            assert.deepEqual([lag.scope, value("standbys")?.value], ["standby_one", 1]);
            assert.deepEqual(await alerts("firing"), []);
            return true;
          }, "it has caught up, and no alert fires");
          await eventually(async () => {
            await watched.look();
            // Something is written every second: between two of them it has replayed all.
            return watched.value("standby_receiving") === 1 &&
              watched.value("standby_replay_delay_seconds") === 0;
          }, "it receives, and has replayed all");
          assert.ok(!judged("standby_delay", { warning: 0.5, critical: null, clear: 0.2 }));
          assert.ok(!judged("standby_cut"));
          assert.ok(!judged("standby_paused"));
          assert.ok(watched.value("xid_age")! > 0, "a standby answers the other questions too");
        },
      );

      await t.step(
        "a standby whose replay is paused falls behind, and alerts with its name fire",
        async () => {
          await there`select pg_wal_replay_pause()`;
          await app.sql`create table public.much as select g, repeat('x', 200) as t
          from generate_series(1, 20000) as g`;
          const lag = await eventually(
            async () => (await alerts("firing")).find(({ rule }) => rule === "replication_lag"),
            "it fires",
          );
          assert.match(lag.message, /^Standby behind on standby_one: [\d.]+ MB$/);
          assert.match(JSON.stringify(lag.evidence), /"state":"streaming"/);
          const delay = await eventually(async () => {
            await app.sql`select pg_logical_emit_message(true, 'test', 'x')`;
            return (await alerts("firing")).find(({ rule }) => rule === "replication_delay");
          }, "and so does its delay");
          assert.match(delay.message, /^Standby replays late on standby_one: \d+ s$/);
          await eventually(async () => {
            await watched.look();
            return watched.value("standby_replay_delay_seconds")! > 0.5;
          }, "the standby says so too");
          assert.ok(judged("standby_delay", { warning: 0.5, critical: null, clear: 0.2 }));
          assert.ok(judged("standby_paused"));
          await there`select pg_wal_replay_resume()`;
          await eventually(
            async () => (await alerts("resolved")).some(({ id }) => id === lag.id),
            "it is over",
          );
        },
      );

      await t.step("a standby that loses the connection to its primary reports it", async () => {
        const [{ link }] = await there`select current_setting('primary_conninfo') as link` as [
          { link: string },
        ];
        await there`alter system set primary_conninfo = ''`;
        await there`select pg_reload_conf()`;
        await eventually(async () => {
          await watched.look();
          return watched.value("standby_receiving") === 0 && judged("standby_cut");
        }, "it is cut off");
        await there.unsafe(`alter system set primary_conninfo = ${quoteLiteral(link)}`);
        await there`select pg_reload_conf()`;
        await eventually(async () => {
          await watched.look();
          return watched.value("standby_receiving") === 1;
        }, "it receives again");
        await eventually(async () => (await alerts("firing")).length === 0, "all is well");
      });

      await t.step(
        "a standby that disconnects is reported missing until it is back",
        async () => {
          await setLevels(app, "standby_missing", {});
          await there`select pg_wal_replay_pause()`;
          await app.sql`insert into public.much
          select g, repeat('y', 200) from generate_series(1, 20000) as g`;
          await eventually(
            async () => (await alerts("firing")).some(({ rule }) => rule === "replication_lag"),
            "it fires again",
          );
          await there.end();
          await standby.stop();
          const missing = await eventually(
            async () => (await alerts("firing")).find(({ rule }) => rule === "standby_missing"),
            "it is missed",
          );
          assert.equal(missing.message, "Standby not connected on standby_one");
          assert.ok((await alerts("firing")).some(({ rule }) => rule === "replication_lag"));
          await standby.start();
          await eventually(async () => (await alerts("firing")).length === 0, "all is well again");
        },
      );
    } finally {
      await there.end();
      await watched.end();
      await app.stop();
      await standby.remove();
      await primary.remove();
    }
  },
);
