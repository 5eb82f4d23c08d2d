import assert from "node:assert/strict";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import { createArchives } from "../../services/partitions/archive/restore.ts";
import { verifySealed } from "../../services/partitions/sealing/verify.ts";
import { findDuckdb } from "../helpers/duckdb.ts";
import { type Guarded, type Guardian, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
let archiveDir: string;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
  archiveDir = await Deno.makeTempDir({ prefix: "holdfast-archive-" });
});
Deno.test.afterAll(async () => {
  await guarded.stop();
  await Deno.remove(archiveDir, { recursive: true });
});

const retention = { keep: "30 days", action: "archive-then-drop" as const };
const archiving = { retention, cooldown: "0", premake: 0 };

const archivesOf = (guardian: Guardian) =>
  createArchives({
    pool: guardian.pool,
    catalogue: createCatalogue(),
    config: { HOLDFAST_PREMAKE_DAYS: 1, HOLDFAST_RETENTION_DAYS: 0 },
    clock: guardian.clock,
    directory: archiveDir,
  });

function files(schema: string): string[] {
  return [...Deno.readDirSync(`${archiveDir}/${schema}.t`)].map(({ name }) => name).sort();
}

/** One old month with every kind of column and of value there is. */
async function setUp(name: string, rows = 500): Promise<void> {
  await guarded.sql.unsafe(`
    create schema ${name};
    create type ${name}.mood as enum ('calm', 'wild');
    create table ${name}.t (
      ts timestamptz not null, id bigint not null, small smallint, whole int, yes boolean, f4 real, f8 double precision,
      amount numeric(30, 10), words text, code varchar(8), blank char(4), raw bytea, day date, at timestamp(3),
      u uuid, tags text[], doc jsonb, mood ${name}.mood, span interval, addr inet,
      doubled bigint generated always as (id % 1000 * 2) stored,
      primary key (id, ts)
    ) partition by range (ts);
    create table ${name}.old partition of ${name}.t for values from ('2026-01-01') to ('2026-02-01');
    create table ${name}.kept partition of ${name}.t for values from ('2026-03-01') to ('2026-03-14');
    insert into ${name}.t
    select timestamptz '2026-01-01 00:00:00.123456+00' + g * interval '1 hour', g, g % 300, -g, g % 2 = 0, g / 3.0, g / 7.0,
      g / 9.0, E'tab\\t "quote" \\\\ é ' || g, 'c' || g % 9, 'b', decode(md5(g::text), 'hex'), date '1999-12-31' + g,
      timestamp '1960-02-29 12:00:00.5' + g * interval '1 day', md5(g::text)::uuid, array['x', null, g::text],
      jsonb_build_object('n', g), 'wild', g * interval '1 hour', '10.0.0.1'
    from generate_series(0, ${rows} - 1) as g;
    insert into ${name}.t (ts, id, f4, f8, words, day, at, raw) values
      ('2026-01-31 23:59:59.999999+00', 1000001, 'NaN', '-Infinity', '', 'infinity', '-infinity', ''),
      ('2026-01-31 23:59:59.999998+00', 1000002, '-0', 5e-324, null, '-infinity', 'infinity', null),
      ('2026-01-31 23:59:59.999997+00', 9223372036854775807, 1e-45, 1.7976931348623157e308, 'ü', '0044-03-15 BC', '0044-03-15 BC', '\\x00');
  `).simple();
}

const content = async (table: string) =>
  (await guarded.sql.unsafe<{ row: string }[]>(
    `select t::text as row from ${table} as t order by 1`,
  ))
    .map(({ row }) => row);

Deno.test("what retention archives is detached, sealed, written, read back and only then dropped; one call brings it back", async () => {
  await setUp("whole");
  const before = await content("whole.old");
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("whole.t", archiving);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.deepEqual(
    Object.keys(await guarded.leaves("whole.t")).filter((name) => name === "old"),
    [],
  );
  const [gone] = await guarded.sql`select to_regclass('whole.old') as oid`;
  assert.equal(gone?.oid, null);
  const actions = await guarded.sql<{ action: string }[]>`
    select action from holdfast.maintenance_log where partition_name = 'old' and table_name = 'whole.t' order by id`;
  assert.deepEqual(actions.map(({ action }) => action), ["detach", "seal", "archive", "drop"]);
  assert.equal(files("whole").length, 2);
  assert.ok(files("whole").every((name) => /^old\.[0-9a-f]{12}\.(json|parquet)$/.test(name)));

  const archives = archivesOf(guardian);
  const [listed] = await archives.list({ table: "whole.t", limit: 10 });
  assert.deepEqual([listed?.rows, listed?.exists, listed?.leaf_name], [503, false, "old"]);
  const restored = await archives.restore({
    table: "whole.t",
    partition: "old",
    holdSeconds: 3_600,
  });
  assert.equal(restored.rows, 503);
  assert.deepEqual(await content("whole.old"), before);
  assert.equal(
    (await guarded.leaves("whole.t")).old,
    "('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')",
  );
  const [verdict] = await guardian.pool.run((sql) => verifySealed(sql, { table: "whole.t" }));
  assert.deepEqual([verdict?.partition, verdict?.status], ["whole.old", "intact"]);
  const keys = await guarded
    .sql`select 1 from pg_index where indrelid = 'whole.old'::regclass and indisprimary`;
  assert.equal(keys.length, 1);
  await assert.rejects(
    archives.restore({ table: "whole.t", partition: "old", holdSeconds: 1 }),
    /has a partition in the range/,
  );

  const held = await guardian.rotation.plan("whole.t");
  assert.deepEqual(held.steps, []);
  assert.match(held.skipped[0]?.reason ?? "", /kept until .*: it was restored/);
  guardian.clock.time = new Date("2026-03-15T13:00:01Z");
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.equal((await guarded.sql`select to_regclass('whole.old') as oid`)[0]?.oid, null);
  assert.equal(files("whole").length, 2, "the archive that is there was found whole, and used");
});

Deno.test("another implementation reads the archive: DuckDB finds equal counts and sums", async () => {
  const ask = await findDuckdb();
  if (!ask) return;
  await setUp("duck");
  const figures = `
    count(*)::int as rows, sum(small)::int as small, sum(whole)::int as whole, count(*) filter (where yes)::int as yes,
    round(sum(f8) filter (where abs(f8) < 1e300)::numeric, 6)::text as f8, count(words)::int as words,
    sum(cast(amount as numeric(30, 10)))::text as amount, max(length(words))::int as longest,
    count(distinct u)::int as uuids, sum(doubled) filter (where id < 1000000)::text as doubled,
    (extract(epoch from max(ts)) * 1000000)::bigint::text as last`;
  const [here] = await guarded.sql.unsafe(`select ${figures} from duck.old`);
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("duck.t", archiving);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const file = files("duck").find((name) => name.endsWith(".parquet"));
  const from = `from '${archiveDir}/duck.t/${file}'`;
  const [there] = await ask(
    `set timezone = 'UTC'; select ${
      figures.replace(
        "round(sum(f8) filter (where abs(f8) < 1e300)::numeric, 6)::text",
        "printf('%.6f', sum(f8) filter (where abs(f8) < 1e300))",
      )
        .replace("(extract(epoch from max(ts)) * 1000000)::bigint::text", "epoch_us(max(ts))::text")
    } ${from}`,
  );
  assert.deepEqual(there, { ...here });
  const types = await ask(`describe select * ${from}`);
  assert.deepEqual(
    Object.fromEntries(types.map(({ column_name, column_type }) => [column_name, column_type])),
    {
      ts: "TIMESTAMP WITH TIME ZONE",
      id: "BIGINT",
      small: "INTEGER",
      whole: "INTEGER",
      yes: "BOOLEAN",
      f4: "FLOAT",
      f8: "DOUBLE",
      amount: "VARCHAR",
      words: "VARCHAR",
      code: "VARCHAR",
      blank: "VARCHAR",
      raw: "BLOB",
      day: "DATE",
      at: "TIMESTAMP",
      u: "VARCHAR",
      tags: "VARCHAR",
      doc: "VARCHAR",
      mood: "VARCHAR",
      span: "VARCHAR",
      addr: "VARCHAR",
      doubled: "BIGINT",
    },
  );
});

Deno.test("a plan shows the steps of an archive with their locks, and nothing is dropped where none can be written", async () => {
  await setUp("nowhere", 5);
  // A file stands where the directory should be.
  const blocked = `${archiveDir}/blocked`;
  await Deno.writeTextFile(blocked, "");
  await using guardian = guarded.at(now, { archiveDir: `${blocked}/archive` });
  await guardian.put("nowhere.t", archiving);
  const { errors } = await guardian.rotation.rotate("test");
  assert.match(errors.join(), /archive nowhere\.old: .*ENOTDIR/);
  assert.equal((await content("nowhere.old")).length, 8);
  const { steps } = await guardian.rotation.plan("nowhere.t");
  assert.deepEqual(
    steps.map(({ action, statements }) => [action, statements.map(({ lock }) => lock)]),
    [
      ["archive", ["ACCESS SHARE on nowhere.old, which is detached"]],
    ],
  );
  await Deno.remove(blocked);
});

Deno.test("a leaf changed after it was sealed is not archived; one changed after it was archived is not dropped", async () => {
  await setUp("altered", 50);
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("altered.t", { seal: true, premake: 0 });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const change = (words: string) =>
    guarded.sql.unsafe(`
      alter table altered.old disable trigger holdfast_sealed;
      update altered.old set words = '${words}' where id = 7;
      alter table altered.old enable always trigger holdfast_sealed;`).simple();
  const [row] = await guarded.sql`select words from altered.old where id = 7`;
  await change("other");
  await guardian.put("altered.t", { ...archiving, seal: true });
  assert.match((await guardian.rotation.rotate("test")).errors.join(), /is not what was sealed/);
  assert.deepEqual(files("altered"), [], "nothing half-written is left");
  await change(String(row?.words).replaceAll("'", "''"));
  await guardian.put("altered.t", { ...archiving, seal: true, cooldown: "1 day" });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.equal(files("altered").length, 2);
  await change("other");
  guardian.clock.time = new Date("2026-03-17T12:00:00Z");
  assert.match(
    (await guardian.rotation.rotate("test")).errors.join(),
    /altered\.old is not dropped: it differs from what was archived \(content changed from/,
  );
  assert.equal((await content("altered.old")).length, 53);
  await guardian.put("altered.t", { enabled: false });
});

Deno.test("an archive that is damaged or gone by the time of the drop is written again before anything is dropped", async () => {
  await setUp("rotten", 50);
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("rotten.t", { ...archiving, cooldown: "1 day" });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const path = `${archiveDir}/rotten.t/${
    files("rotten").find((name) => name.endsWith(".parquet"))
  }`;
  const bytes = await Deno.readFile(path);
  bytes[200] = (bytes[200] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
  guardian.clock.time = new Date("2026-03-17T12:00:00Z");
  assert.match(
    (await guardian.rotation.rotate("test")).errors.join(),
    /rotten\.old is not dropped: .* is damaged: its SHA-256 differs; it will be archived again/,
  );
  assert.equal((await content("rotten.old")).length, 53);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const archives = archivesOf(guardian);
  assert.equal((await archives.list({ table: "rotten.t", limit: 10 }))[0]?.exists, false);

  // A damaged file is not brought back either, and one outside the directory is not even looked at.
  const whole = await Deno.readFile(path);
  await Deno.writeFile(path, whole.subarray(0, 500));
  const asked = { table: "rotten.t", partition: "old", holdSeconds: 0 };
  await assert.rejects(archives.restore(asked), /has 500 bytes, its manifest has/);
  await Deno.writeFile(path, whole);
  await assert.rejects(
    archives.restore({ table: "rotten.t", file: "../../etc/x.parquet", holdSeconds: 0 }),
    { code: "invalid_request" },
  );
  assert.equal((await archives.restore(asked)).rows, 53);
});

Deno.test("an archive whose manifest is damaged is written again, and then its leaf is dropped", async () => {
  await setUp("torn", 5);
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("torn.t", { ...archiving, cooldown: "1 day" });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const manifest = files("torn").find((name) => name.endsWith(".json"));
  await Deno.writeTextFile(`${archiveDir}/torn.t/${manifest}`, "{");
  guardian.clock.time = new Date("2026-03-17T12:00:00Z");
  assert.match(
    (await guardian.rotation.rotate("test")).errors.join(),
    /torn\.old is not dropped: The manifest .* is damaged; it will be archived again/,
  );
  assert.equal((await content("torn.old")).length, 8);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const archives = archivesOf(guardian);
  assert.equal((await archives.list({ table: "torn.t", limit: 10 }))[0]?.exists, false);
});

Deno.test("in a schema with a dot in its name a detach cut short is finished, and leaves are archived and restored", async () => {
  const leaf = (name: string, day: string) => `
    create table "d.ot"."${name}" partition of "d.ot"."t.able"
      for values from ('${day}') to ('${day}'::timestamptz + interval '1 day');
    insert into "d.ot"."t.able" values ('${day} 10:00+00', 1);`;
  await guarded.sql.unsafe(`
    create schema "d.ot";
    create table "d.ot"."t.able" (ts timestamptz not null, id int) partition by range (ts);
    ${leaf("old.1", "2026-01-01")} ${leaf("old.2", "2026-01-02")} ${leaf("kept", "2026-03-14")}`)
    .simple();
  const [reader, other] = [await guarded.sql.reserve(), await guarded.sql.reserve()];
  await reader`begin`;
  await reader`select from "d.ot"."t.able"`;
  await other`set lock_timeout = '50ms'`;
  await assert.rejects(
    async () =>
      await other`alter table "d.ot"."t.able" detach partition "d.ot"."old.1" concurrently`,
    /lock timeout/,
  );
  await reader`commit`;
  await other`reset lock_timeout`;
  for (const one of [reader, other]) one.release();

  await using guardian = guarded.at(now, { archiveDir });
  const table = "d.ot.t.able";
  await guardian.put(table, archiving);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const state = async () =>
    (await guarded.sql<{ name: string }[]>`
      select c.relname || case when i.inhrelid is null then ' apart' else '' end as name
      from pg_class as c
      left join pg_inherits as i on i.inhrelid = c.oid
      where c.relnamespace = '"d.ot"'::regnamespace and c.relkind = 'r' and c.relname not like 't.able%'
      order by 1`).map(({ name }) => name);
  assert.deepEqual(await state(), ["kept", "old.1 apart"]);
  const restored = await archivesOf(guardian)
    .restore({ table, partition: "d.ot.old.2", holdSeconds: 60 });
  assert.deepEqual([restored.partition, restored.rows], ["d.ot.old.2", 1]);
  assert.deepEqual(await state(), ["kept", "old.1 apart", "old.2"]);
  await guardian.put(table, { enabled: false });
});

Deno.test("leaves that can never be archived keep no place from those that can, and stay reported", async () => {
  const day = (n: number) => `'2026-01-0${n}'`;
  const leaves = [1, 2, 3, 4, 5].map((n) =>
    `create table never.old_${n} partition of never.t for values from (${day(n)}) to (${
      day(n + 1)
    });`
  );
  await guarded.sql.unsafe(`
    create schema never;
    create table never.t (ts timestamptz not null, until timestamptz) partition by range (ts);
    ${leaves.join("\n")}
    create table never.kept partition of never.t for values from ('2026-03-14') to ('2026-03-15');
    insert into never.t values ('2026-01-05', now()), ('2026-03-14', now());
    -- A file of Parquet cannot hold this time.
    insert into never.t select ${day(1)}::timestamptz + n * interval '1 day', '294276-12-31'
      from generate_series(0, 3) as n;`).simple();
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("never.t", archiving);
  const failed = async () =>
    (await guardian.rotation.rotate("test")).errors.map((error) => error.slice(0, 19)).sort();
  const first4 = [1, 2, 3, 4].map((n) => `archive never.old_${n}`);
  assert.deepEqual(await failed(), first4);
  const refused = async () =>
    (await guarded.sql<{ partition: string }[]>`
      select partition_name as partition from holdfast.retention_holds where schema_name = 'never' order by 1`)
      .map(({ partition }) => partition);
  assert.deepEqual(await refused(), [1, 2, 3, 4].map((n) => `never.old_${n}`));
  assert.deepEqual(await failed(), first4);
  assert.equal((await guarded.sql`select to_regclass('never.old_5') as oid`)[0]?.oid, null);
  assert.deepEqual(await refused(), [1, 2, 3, 4].map((n) => `never.old_${n}`));
  await guardian.put("never.t", { enabled: false });
});

Deno.test("rows that a policy hides from us are not lost: such a leaf is neither archived nor dropped", async () => {
  await setUp("hidden", 5);
  await guarded.sql.unsafe(`
    create role keeper;
    grant all on schema hidden, holdfast to keeper;
    grant all on all tables in schema hidden, holdfast to keeper;
    grant all on all sequences in schema holdfast to keeper;
    alter table hidden.t owner to keeper;
    alter table hidden.old owner to keeper;
    alter table hidden.kept owner to keeper;
    alter table hidden.old enable row level security;
    alter table hidden.old force row level security;
    alter role keeper login;
  `).simple();
  await using guardian = guarded.at(now, { archiveDir, user: "keeper" });
  await guardian.put("hidden.t", archiving);
  const { errors } = await guardian.rotation.rotate("test");
  assert.match(errors.join(), /archive hidden\.old: .*row-level security/);
  assert.equal((await content("hidden.old")).length, 8);
  await guardian.put("hidden.t", { enabled: false });
});
