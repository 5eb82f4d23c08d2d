import assert from "node:assert/strict";
import postgres from "postgres";
import { targetOf } from "../../db/address/target.ts";
import { readServerFacts } from "../../db/backups/facts.ts";
import { connectSql } from "../../db/connection.ts";
import { openRowReader } from "../../db/row_transfer.ts";
import { makeCopies } from "../../services/rehearsals/copy/pair.ts";
import { placeOfCopies } from "../../services/rehearsals/copy/place.ts";
import { sampledSource } from "../../services/rehearsals/copy/sampled.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { startApp } from "../helpers/test_app.ts";
import { plantTrades } from "../helpers/planted.ts";
import { rehearse } from "../helpers/rehearse.ts";
import { debianPostgres, slowTests, testWith } from "../helpers/skip.ts";

const needs = {
  what: `${debianPostgres.what} and ${slowTests.what}`,
  present: debianPostgres.present && slowTests.present,
};

testWith(
  needs,
  "beside Debian's Postgres 15, with and without the right to replicate",
  async (t) => {
    const server = await createDebianServer({
      settings: ["shared_preload_libraries=pg_stat_statements"],
    });
    await server.start();
    const admin = postgres(server.url, { max: 1, onnotice: () => {} });
    const backups = await Deno.makeTempDir({ prefix: "holdfast-debian-rehearsals-" });
    await Deno.chmod(backups, 0o755);
    try {
      await plantTrades(admin, 100_000);
      await admin.unsafe(`
      create extension pg_stat_statements;
      create role copier login replication;
      create role plain login;
      grant create on database postgres to copier, plain;
      grant pg_monitor to copier, plain;
      grant usage on schema app to plain;
      grant select on app.trades to plain;
      create table app.hidden (a int);
      insert into app.hidden select generate_series(1, 1000);
      analyze app.hidden`);
      const strongest = async () => {
        const [row] = await admin`
        select count(*)::int as n
        from pg_locks as l join pg_stat_activity as a using (pid)
        where (a.application_name like 'holdfast-rehearsal%' or a.application_name = 'pg_dump')
          and l.locktype = 'relation' and l.mode <> 'AccessShareLock'`;
        return row?.n as number;
      };
      for (const [role, kind] of [["copier", "physical"], ["plain", "sampled"]] as const) {
        await t.step(`${role}: ${kind}`, async () => {
          await admin.unsafe("drop schema if exists market, holdfast cascade");
          await admin.unsafe("select pg_stat_statements_reset()");
          for (let run = 0; run < 30; run++) {
            await admin.unsafe("select count(*) from app.trades where note = 'cancelled'");
          }
          const app = await startApp({
            DATABASE_URL: `postgres://${role}@127.0.0.1:${server.port}/postgres`,
            HOLDFAST_BACKUP_DIR: `${backups}/${role}`,
          });
          let locks = 0;
          const watch = setInterval(
            async () => void (locks = Math.max(locks, await strongest())),
            50,
          );
          try {
            const found = await rehearse(app, {
              sql: "create index concurrently trades_note on app.trades (note)",
            });
            assert.equal(found.status, "done", found.problems.join("; "));
            assert.equal(found.copy?.kind, kind);
            assert.equal(found.copy?.sample_share, 1);
            assert.equal(found.verdict, "worth_it", found.summary ?? "");
            const one = found.statements.find(({ query }) => query.includes("note = $1"));
            assert.ok(one?.query_id);
            assert.equal(one?.verdict, "improved");
            assert.equal(Math.floor((found.copy?.server_version ?? 0) / 10_000), 15);
            if (kind === "sampled") {
              assert.match(
                found.problems[0] ?? "",
                /^The copy was made with SELECT, because the role may not/,
              );
              assert.ok(
                found.problems.some((text) => text.startsWith("app.hidden may not be read")),
              );
            } else assert.deepEqual(found.problems, []);
          } finally {
            clearInterval(watch);
            await app.stop();
          }
          assert.equal(locks, 0);
          const [slots] = await admin`select count(*)::int as n from pg_replication_slots`;
          assert.equal(slots?.n, 0);
        });
      }
      await t.step("a small budget takes a part of each large table", async () => {
        const target = targetOf(`postgres://plain@127.0.0.1:${server.port}/postgres`, {});
        const openProduction = () =>
          connectSql({
            target,
            max: 1,
            applicationName: "test",
            statementTimeoutMs: 60_000,
            lockTimeoutMs: 200,
            pooled: false,
          });
        const production = openProduction();
        const facts = await readServerFacts(production).finally(() => production.end());
        const source = sampledSource({
          target,
          facts,
          budgetBytes: 2_000_000,
          openProduction,
          openReader: (signal) =>
            openRowReader(target, {
              database: "postgres",
              applicationName: "test",
              statementTimeoutMs: 60_000,
              lockTimeoutMs: 200,
              signal,
            }),
        });
        const copies = await makeCopies({
          source,
          place: placeOfCopies(backups, { ...facts, embedded: false }),
          planSettings: {},
          prepare: async () => {},
          onStep: () => {},
          onLost: () => {},
          signal: new AbortController().signal,
        });
        try {
          const { share } = source.sample;
          assert.ok(share > 0.1 && share < 0.5, String(share));
          const copy = copies.openAdmin("b");
          const [row] = await copy`
            select count(*)::int as n, count(distinct symbol_id)::int as symbols from app.trades`;
          const indexes = await copy`
            select indexrelid::regclass::text as name from pg_index
            where indrelid = 'app.trades'::regclass order by 1`;
          await copy.end({ timeout: 1 });
          assert.ok(Math.abs(row?.n / 100_000 - share) < 0.15, `${row?.n} rows, ${share}`);
          assert.ok(row?.symbols > 100);
          assert.deepEqual(indexes.map(({ name }) => name), [
            "app.trades_pkey",
            "app.trades_symbol_ts",
          ]);
        } finally {
          await copies.remove();
        }
      });
    } finally {
      await admin.end({ timeout: 1 });
      await server.remove();
      await Deno.remove(backups, { recursive: true });
    }
  },
);
