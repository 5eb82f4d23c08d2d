import assert from "node:assert/strict";
import postgres from "postgres";
import { judgeUpgrade as judgeUpgradeSetting } from "../../commands/doctor.ts";
import { HoldfastError } from "../../errors.ts";
import type { StatementResult } from "../../services/rehearsals/rehearsal.ts";
import { judgeUpgrade, upgradeLines } from "../../services/rehearsals/upgrade/judgement.ts";
import { findNewerPrograms } from "../../services/rehearsals/upgrade/programs.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { plantTrades } from "../helpers/planted.ts";
import { rehearse, tradesWorkload } from "../helpers/rehearse.ts";
import { debianPostgres, slowTests, testWith } from "../helpers/skip.ts";
import { startApp } from "../helpers/test_app.ts";

const upgrade = {
  from_major: 15,
  to_major: 18,
  tables: 3,
  rows: 1_000,
  seconds: 6.54,
  schema_seconds: 0.5,
  rows_seconds: 4,
  indexes_seconds: 2,
  statistics_seconds: 0.04,
  compare_seconds: 3,
  bytes_before: 2 * 1024 ** 2,
  bytes_after: 1024 ** 2,
};

const statement = (query: string, verdict: StatementResult["verdict"], improvement: number) =>
  ({
    query,
    verdict,
    share: 0.2,
    improvement,
    ci_low: improvement - 0.1,
    ci_high: improvement + 0.1,
  }) as StatementResult;

const coverage = { statements: 4, of: 5, time_share: 0.91 };

Deno.test("the summary of an upgrade names regressions first, and what the move took", () => {
  const statements = [
    statement("select better", "improved", 1),
    statement("select same", "no_difference", 0),
    statement("select worse", "worse", -0.5),
    statement("select unknown", "unclear", 0),
  ];
  const { summary } = judgeUpgrade({ upgrade, statements, coverage })!;
  assert.match(
    summary,
    /^Postgres 15 to 18: slower: .* for "select worse"; faster: .* for "select better"; 1 statement without a difference; 1 statement unclear; moved .* in 6\.5 s, 1000 rows equal; 4 of 5 statements, 91 % of the time$/,
  );
  const none = judgeUpgrade({ upgrade, statements: [], coverage })!;
  assert.match(none.summary, /^Postgres 15 to 18: no statement is proven slower; moved/);
  assert.equal(judgeUpgrade({ upgrade: null, statements, coverage }), undefined);
  assert.match(
    upgradeLines(upgrade).join("\n"),
    /took 6\.5 s: schema 0\.5 s, rows 4\.0 s, .*\nAll 1000 rows of 3 tables/,
  );
});

/** The message of the refusal of programs. */
async function refusalOf(bin: string, from: number): Promise<string> {
  try {
    await findNewerPrograms(bin, from);
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.code, "invalid_request");
    return error.message;
  }
  return "";
}

Deno.test("missing, foreign and relative directories are refused in one line", async () => {
  assert.match(await refusalOf("bin", 15), /must be an absolute path or "embedded", not bin$/);
  assert.match(
    await refusalOf("/nowhere", 15),
    /there is no \/nowhere\/pg_ctl; name the directory/,
  );
  assert.match(
    await refusalOf("embedded", 18),
    /has Postgres 18; the server runs 18, so a newer one/,
  );
  const folder = await Deno.makeTempDir({ prefix: "holdfast-upgrade-" });
  try {
    await Deno.writeTextFile(`${folder}/pg_ctl`, "");
    await Deno.chmod(`${folder}/pg_ctl`, 0o777);
    assert.match(await refusalOf(folder, 15), /pg_ctl may be changed by other users/);
    await Deno.chmod(`${folder}/pg_ctl`, 0o755);
    assert.match(await refusalOf(folder, 15), /there is no .*\/initdb; name/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the doctor says why an upgrade of the settings is not rehearsed", async () => {
  const settings = (bin: string | undefined, after = true) => ({
    HOLDFAST_REHEARSE_UPGRADE_BIN: bin,
    HOLDFAST_REHEARSE_AFTER_DRILL: after,
  });
  assert.deepEqual(await judgeUpgradeSetting(settings(undefined), 180004), []);
  const [missing] = await judgeUpgradeSetting(settings("/nowhere"), 150018);
  assert.equal(missing?.ok, false);
  assert.match(
    missing?.what ?? "",
    /^HOLDFAST_REHEARSE_UPGRADE_BIN=\/nowhere: the upgrade is not rehearsed: there is no \/nowhere\/pg_ctl; name the directory/,
  );
  const [idle] = await judgeUpgradeSetting(settings("/nowhere", false), 150018);
  assert.deepEqual([idle?.ok, /has no effect/.test(idle?.what ?? "")], ["note", true]);
});

testWith(debianPostgres, "the programs of an older version are refused", async () => {
  assert.match(await refusalOf(debianPostgres.bin, 18), /has Postgres 15; the server runs 18/);
  const found = await findNewerPrograms("embedded", 15);
  assert.equal(found.major, 18);
  assert.match(found.pgDump, /pg_dump$/);
});

testWith(
  {
    what: `${debianPostgres.what} and ${slowTests.what}`,
    present: debianPostgres.present && slowTests.present,
  },
  "an upgrade of Debian's Postgres 15 to the embedded 18 is rehearsed with every row",
  async () => {
    const server = await createDebianServer({
      settings: ["shared_preload_libraries=pg_stat_statements", "work_mem=3MB"],
    });
    await server.start();
    const admin = postgres(server.url, { max: 1, onnotice: () => {} });
    const backups = await Deno.makeTempDir({ prefix: "holdfast-upgrade-" });
    await Deno.chmod(backups, 0o755);
    const app = await startApp({
      DATABASE_URL: server.url,
      HOLDFAST_BACKUP_DIR: backups,
    });
    try {
      await plantTrades(admin, 100_000);
      await admin.unsafe(`
        create role trader login;
        grant select on app.trades to trader;
        create function app.is_good(x double precision) returns boolean language plpgsql as $$
          begin
            return x > 0 and not (
              current_setting('application_name') = 'holdfast-upgrade'
              and (select rolsuper from pg_roles where rolname = session_user)
            );
          end $$;
        create table app.checked (price double precision check (app.is_good(price)));
        insert into app.checked select n from generate_series(1, 1000) as n;
        alter database postgres set work_mem = '5MB'`);
      const workload = [...tradesWorkload, { sql: "select sum(n) from generate_series(1, 100) n" }];
      const found = await rehearse(app, { to_bin: "embedded", workload });
      assert.equal(found.status, "done", found.problems.join("; "));
      assert.equal(found.source, "upgrade");
      assert.match(found.change, /^upgrade to Postgres 18 \(programs: embedded\)$/);
      assert.equal(found.upgrade?.from_major, 15);
      assert.equal(found.upgrade?.to_major, 18);
      assert.ok((found.upgrade?.rows ?? 0) >= 101_000, String(found.upgrade?.rows));
      assert.equal(found.cost, null);
      assert.equal(found.statements.length, workload.length);
      for (const { verdict, why } of found.statements) {
        assert.notEqual(verdict, "not_measured", why);
        assert.doesNotMatch(why, /same files/, "another version has other code and files");
      }
      assert.match(found.summary ?? "", /^Postgres 15 to 18: .* rows equal; 4 of 4 statements/);
      const report = await app.request(`/api/rehearsals/${found.id}/report?format=markdown`);
      assert.match(await report.text(), /The move by dump and copy took/);

      await admin.unsafe("select lo_create(0)");
      await app.post("/api/backups", {}).then((answer) => answer.body?.cancel());
      await app.holdfast.backups.idle();
      const refused = await rehearse(app, { to_bin: "embedded", workload: tradesWorkload });
      assert.equal(refused.status, "failed");
      assert.match(
        refused.problems.join(),
        /^The upgrade to Postgres 18 cannot be rehearsed: the database holds 1 large objects$/,
      );
    } finally {
      await app.stop();
      await admin.end({ timeout: 1 });
      await server.remove();
      await Deno.remove(backups, { recursive: true });
    }
  },
);
