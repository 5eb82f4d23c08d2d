import assert from "node:assert/strict";
import {
  type ConversionInput,
  createConversions,
} from "../../services/partitions/rewrite/service.ts";
import { connectSql } from "../../db/connection.ts";
import { createLogger } from "../../log.ts";
import { type Guarded, type GuardedOptions, someDays, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

function converterAt(options: GuardedOptions = {}) {
  const guardian = guarded.at(now, options);
  const conversions = createConversions({
    pool: guardian.pool,
    policies: guardian.policies,
    config: { HOLDFAST_MAX_PARTITIONS: 500, HOLDFAST_BACKFILL_HORIZON_DAYS: 7 },
    clock: guardian.clock,
    log: createLogger({ level: "debug", write: (line) => guarded.logs.push(JSON.parse(line)) }),
    pause: options.pause ?? (() => Promise.resolve()),
  });
  return { ...guardian, conversions };
}

const wish = (table: string, more: Partial<ConversionInput> = {}): ConversionInput => ({
  table,
  keyColumn: "ts",
  widenKeys: true,
  policy: { ...someDays, interval: "1 day", premake: 2 },
  ...more,
});

async function startAndAdvance(
  { conversions }: ReturnType<typeof converterAt>,
  input: ConversionInput,
) {
  const plan = await conversions.plan(input);
  assert.deepEqual(plan.refusals, []);
  await conversions.start(input, plan.digest);
  await conversions.advance();
  const [move] = await conversions.list();
  assert.equal(move?.error, null);
  return move!;
}

Deno.test("a table with everything on it is converted with all of it, and undone with what was written since", async () => {
  await guarded.sql.unsafe(`
    create schema whole;
    create table whole.other (id int primary key);
    insert into whole.other select generate_series(1, 10);
    create table whole.seen (n int);
    create function whole.see() returns trigger language plpgsql as
      $$ begin insert into whole.seen values (1); return null; end $$;
    create table whole.t (
      id bigserial primary key, seq int generated always as identity, ts timestamptz not null,
      other int references whole.other, price numeric check (price > 0), twice numeric generated always as (price * 2) stored,
      note text default 'none', dropped int
    );
    alter table whole.t drop column dropped;
    comment on table whole.t is 'it''s whole';
    comment on column whole.t.price is 'of one';
    create index t_ts on whole.t (ts desc) include (price);
    create index t_note on whole.t (lower(note)) where note <> 'none';
    create unique index t_both on whole.t (ts, id);
    grant select on whole.t to pg_monitor;
    create view whole.v as select id, price from whole.t where price > 1;
    grant select on whole.v to pg_monitor;
    create trigger see after insert on whole.t for each row execute function whole.see();
    insert into whole.t (ts, other, price) select '2026-03-10Z'::timestamptz + n * interval '1 minute', n % 10 + 1, n + 1
    from generate_series(0, 4999) as n;
  `).simple();
  const before = await guarded.sql`select * from whole.t order by id`;
  await using converter = converterAt();
  const move = await startAndAdvance(converter, wish("whole.t"));
  assert.equal(move.phase, "swapped");
  assert.equal(move.rows_verified, 5_000);
  assert.deepEqual(await guarded.sql`select * from whole.t order by id`, before);
  const leaves = Object.keys(await guarded.leaves("whole.t"));
  assert.deepEqual(leaves[0], "t_p20260310");
  assert.equal(leaves.at(-1), "t_p20260317");
  const [statistics] = await guarded.sql`
    select
      (select reltuples::int from pg_class where oid = 'whole.t_p20260310'::regclass) as rows_of_leaf,
      (select count(*)::int from pg_stats
        where schemaname = 'whole' and tablename = 't' and attname = 'id' and inherited) as of_all`;
  assert.deepEqual({ ...statistics }, { rows_of_leaf: 1_440, of_all: 1 }, "the planner knows it");
  const [row] = await guarded.sql`
    insert into whole.t (ts, other, price) values ('2026-03-15 10:00Z', 1, 7) returning id::int, seq, twice::int`;
  assert.deepEqual({ ...row }, { id: 5001, seq: 5001, twice: 14 });
  await guarded.sql`update whole.t set price = 8, ts = '2026-03-16Z' where id = 5001`;
  await guarded.sql`delete from whole.t where id = 1`;
  const described = await guarded.sql`
    select
      obj_description('whole.t'::regclass) as comment,
      has_table_privilege('pg_monitor', 'whole.t', 'select') as granted,
      has_table_privilege('pg_monitor', 'whole.v', 'select') as view_granted,
      (select count(*)::int from whole.v) as viewed,
      (select count(*)::int from whole.seen) as seen,
      array(select indexrelid::regclass::text from pg_index where indrelid = 'whole.t'::regclass order by 1) as indexes,
      array(select conname::text from pg_constraint where conrelid = 'whole.t'::regclass and contype in ('p', 'f', 'c') order by 1)
        as constraints`;
  assert.deepEqual({ ...described[0] }, {
    comment: "it's whole",
    granted: true,
    view_granted: true,
    viewed: 5000,
    // An update into another partition is a delete and an insert to triggers: Postgres's own way.
    seen: 5002,
    indexes: ["whole.t_both", "whole.t_note", "whole.t_pkey", "whole.t_ts"],
    constraints: ["t_other_fkey", "t_pkey", "t_price_check"],
  });
  await assert.rejects(
    guarded.sql`insert into whole.t (ts, other) values (${now}, 99)`,
    /foreign key/,
  );
  await assert.rejects(guarded.sql`insert into whole.t (ts, price) values (${now}, -1)`, /check/);
  const written = await guarded.sql`select * from whole.t order by id`;
  await converter.conversions.act("whole.t", "undo");
  await converter.conversions.advance();
  assert.equal((await converter.conversions.list())[0]?.phase, "undone");
  assert.deepEqual(await guarded.sql`select * from whole.t order by id`, written);
  const [after] = await guarded.sql`
    insert into whole.t (ts, other, price) values ('2027-03-15 10:00Z', 1, 7) returning id::int, seq`;
  assert.deepEqual({ ...after }, { id: 5004, seq: 5004 });
  const left = await guarded.sql`
    select c.relname, c.relkind from pg_class as c
    where c.relnamespace = 'whole'::regnamespace and c.relkind <> 't' order by 1`;
  assert.deepEqual(left.map(({ relname }) => relname), [
    "other",
    "other_pkey",
    "seen",
    "t",
    "t_both",
    "t_id_seq",
    "t_note",
    "t_pkey",
    "t_seq_seq",
    "t_ts",
    "v",
  ]);
});

/** Every boundary with HOLDFAST_SLOW_TESTS=1, else every seventh. */
const stride = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1" ? 1 : 7;
const small = `
  drop schema if exists crash cascade;
  create schema crash;
  create table crash.t (id bigint primary key, ts timestamptz not null, note text);
  insert into crash.t select n, '2026-03-10Z'::timestamptz + n * interval '20 minutes', 'n' || n
  from generate_series(1, 300) as n;
`;

/** What the table holds and what stands around it; writes come between, so that changes wait at each end. */
async function stateOf() {
  const [content] = await guarded.sql`
    select count(*)::int as rows, sum(hashtextextended(t::text, 0)::numeric)::text as hash from crash.t`;
  const relations = await guarded.sql<{ name: string }[]>`
    select c.relname as name from pg_class as c
    where c.relnamespace = 'crash'::regnamespace and c.relkind <> 't' order by 1`;
  const ours = await guarded.sql<{ name: string }[]>`
    select proname as name from pg_proc where pronamespace = 'holdfast'::regnamespace and proname like 'move%'`;
  const triggers = await guarded.sql<{ name: string }[]>`
    select tgname as name from pg_trigger where tgrelid = 'crash.t'::regclass and not tgisinternal order by 1`;
  return {
    content: { ...content },
    relations: relations.map(({ name }) => name),
    functions: ours.length,
    triggers: triggers.map(({ name }) => name),
  };
}

const touch = (round: number) =>
  guarded.sql.unsafe(`
    insert into crash.t values (${1_000 + round}, '2026-03-14Z', 'new');
    update crash.t set note = note || ${round}, ts = ts + interval '1 day' where id = ${round};
    delete from crash.t where id = ${100 + round};
  `).simple();

Deno.test("a conversion and its undo that end before any change end, after the next run, where unbroken ones do, with every write", async () => {
  async function run(end: number) {
    await guarded.sql.unsafe(small).simple();
    await guarded.sql`delete from holdfast.partition_moves`;
    let count = 0;
    let broken = false;
    let touched = false;
    const between = async () => {
      if (!touched) await touch(2);
      touched = true;
    };
    const endsBefore = () => broken ||= ++count === end;
    async function through(work: (converter: ReturnType<typeof converterAt>) => Promise<unknown>) {
      const before = broken;
      {
        // What has ended once does not end again: its count goes on.
        await using converter = converterAt(before ? {} : { endsBefore });
        await work(converter).catch((error) => assert.ok(broken && !before, String(error)));
        if (broken === before) return;
      }
      await between();
      await using again = converterAt();
      await work(again);
    }
    await through(async (converter) => {
      const [open] = await converter.conversions.list();
      if (!open) {
        const input = wish("crash.t", {
          policy: { ...someDays, interval: "1 month", premake: 0 },
        });
        const { digest } = await converter.conversions.plan(input);
        await converter.conversions.start(input, digest);
        await touch(1);
      }
      await converter.conversions.advance();
    });
    await between();
    const swapped = await stateOf();
    await touch(3);
    await through(async (converter) => {
      const [move] = await converter.conversions.list();
      if (move?.phase === "swapped") await converter.conversions.act("crash.t", "undo");
      await converter.conversions.advance();
    });
    const undone = await stateOf();
    return { count, swapped, undone };
  }
  const whole = await run(0);
  assert.deepEqual(whole.undone.relations, ["t", "t_pkey"]);
  assert.deepEqual([whole.undone.functions, whole.undone.triggers], [0, []]);
  assert.equal(whole.swapped.content.rows, 300 + 2 - 2);
  assert.ok(whole.count > 50, `${whole.count} changes`);
  for (let end = 1; end <= whole.count; end += stride) {
    const found = await run(end);
    assert.deepEqual(
      [found.swapped, found.undone],
      [whole.swapped, whole.undone],
      `ended before change ${end}`,
    );
  }
});

Deno.test("a table altered since the plan is not swapped but left as it was, as a cancel leaves it; its owner writes all the while", async () => {
  await guarded.sql.unsafe(`
    create role clerk login;
    create schema owned authorization clerk;
    create table owned.t (id bigint primary key, ts timestamptz not null);
    alter table owned.t owner to clerk;
    insert into owned.t select n, '2026-03-10Z' from generate_series(1, 100) as n;
  `).simple();
  const clerk = connectSql({
    target: { ...guarded.target, user: "clerk" } as typeof guarded.target,
    max: 1,
    applicationName: "clerk",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  await using converter = converterAt();
  const { conversions } = converter;
  const input = wish("owned.t");
  const first = await conversions.plan(input);
  await conversions.start(input, first.digest);
  assert.match((await conversions.plan(input)).refusals[0] ?? "", /a conversion of it is copying/);
  await assert.rejects(conversions.act("owned.t", "undo"), /cannot be done while it is copying/);
  await conversions.act("owned.t", "cancel");
  await conversions.advance();
  assert.equal((await conversions.list())[0]?.phase, "cancelled");
  const { digest } = await conversions.plan(input);
  await conversions.start(input, digest);
  await clerk`insert into owned.t values (101, ${now})`;
  await clerk`delete from owned.t where id = 1`;
  await clerk`alter table owned.t add column more int`;
  await conversions.advance();
  const [failed] = await conversions.list();
  assert.equal(failed?.phase, "failed");
  assert.match(failed?.error ?? "", /The table has changed since the plan was made/);
  assert.deepEqual([failed?.spec.failure?.phase, failed?.spec.failure?.sqlstate], [
    "waiting",
    null,
  ]);
  const [left] = await guarded.sql`
    select array_agg(relname::text order by relname) as relations
    from pg_class where relnamespace = 'owned'::regnamespace`;
  assert.deepEqual(left?.relations, ["t", "t_pkey"]);
  const move = await startAndAdvance(converter, input);
  assert.equal(move.phase, "swapped");
  await clerk`insert into owned.t values (102, ${now}, 7)`;
  await clerk`update owned.t set ts = '2026-03-11Z' where id = 2`;
  await clerk`truncate owned.t`;
  await clerk`insert into owned.t values (103, ${now}, 8)`;
  await conversions.act("owned.t", "finish");
  await conversions.advance();
  assert.equal((await conversions.list())[0]?.phase, "finished");
  const [found] = await clerk`
    select (select array_agg(id::int) from owned.t) as ids, tableowner as owner,
      to_regclass('owned.t_holdfast_plain') as plain
    from pg_tables where schemaname = 'owned' and tablename = 't'`;
  assert.deepEqual({ ...found }, { ids: [103], owner: "clerk", plain: null });
  await clerk.end();
});

Deno.test("a table whose triggers were disabled for a while takes no other's place: rows would be lost", async () => {
  await guarded.sql.unsafe(`
    create schema unheard;
    create table unheard.t (id int primary key, ts timestamptz not null);
    insert into unheard.t select n, '2026-03-15Z' from generate_series(1, 10) as n;
  `).simple();
  const writeUnheard = (id: number) =>
    guarded.sql.unsafe(`
      alter table unheard.t disable trigger user;
      insert into unheard.t values (${id}, '2026-03-15Z');
      alter table unheard.t enable trigger user;
    `).simple();
  const count = async () => {
    const [row] = await guarded.sql`select count(*)::int as rows from unheard.t`;
    return row?.rows;
  };
  const converter = converterAt();
  await using _closed = converter;
  const { conversions } = converter;
  const input = wish("unheard.t");
  const reader = await guarded.sql.reserve();
  await reader`begin isolation level repeatable read`;
  await reader`select 1`;
  assert.equal((await startAndAdvance(converter, input)).phase, "waiting");
  await writeUnheard(11);
  await reader`commit`;
  reader.release();
  await conversions.advance();
  const [refused] = await conversions.list();
  assert.deepEqual([refused?.phase, await count()], ["failed", 11]);
  assert.match(refused?.error ?? "", /were disabled or dropped.* the copy may lack rows/);

  assert.equal((await startAndAdvance(converter, input)).phase, "swapped");
  await writeUnheard(12);
  await conversions.act("unheard.t", "undo");
  await conversions.advance();
  const [kept] = await conversions.list();
  assert.deepEqual([kept?.phase, await count()], ["swapped", 12]);
  assert.match(kept?.error ?? "", /the old table may lack rows\. It cannot be undone/);
  await conversions.act("unheard.t", "finish");
  await conversions.advance();
  assert.deepEqual([(await conversions.get(kept?.id ?? "")).phase, await count()], [
    "finished",
    12,
  ]);
});

Deno.test("a conversion that another version planned is not given up: it waits, and goes on when somebody says so", async () => {
  await guarded.sql.unsafe(`
    create schema versions;
    create table versions.t (id bigint primary key, ts timestamptz not null);
    insert into versions.t select n, '2026-03-10Z'::timestamptz + n * interval '1 minute'
    from generate_series(0, 499) as n`).simple();
  await using converter = converterAt();
  const { conversions } = converter;
  const input = wish("versions.t");
  const plan = await conversions.plan(input);
  await conversions.start(input, plan.digest);
  await guarded.sql`
    update holdfast.partition_moves set spec = jsonb_set(spec, '{signature}', '"of another version"')
    where schema_name = 'versions'`;
  for (let times = 0; times < 2; times++) {
    await conversions.advance();
    const [move] = await conversions.list();
    assert.equal(move?.phase, "waiting");
    assert.match(move?.waits_for ?? "", /another version of Holdfast planned it/);
  }
  const [waiting] = await conversions.list();
  const statement = /run: (update .*); else cancel/.exec(waiting?.waits_for ?? "")?.[1] ?? "";
  await guarded.sql.unsafe(statement);
  await conversions.advance();
  const [swapped] = await conversions.list();
  assert.deepEqual([swapped?.phase, swapped?.error], ["swapped", null]);
});

Deno.test("a clean-up that an older version began ends with the outcome that it stored", async () => {
  await using converter = converterAt();
  const { conversions } = converter;
  for (const outcome of ["undone", "finished", "cancelled"]) {
    await guarded.sql`
      insert into holdfast.partition_moves
        (kind, schema_name, table_name, spec, phase, blocks, waits_for, started_at, updated_at)
      values (
        'convert', 'older', ${outcome}, '{"clean": {"undone": [], "finished": [], "cancelled": []}}',
        'cleaning', 0, ${outcome}, now(), now()
      )`;
    await conversions.advance();
    const ended = (await conversions.list()).find(({ table }) => table === outcome);
    assert.deepEqual([ended?.phase, ended?.waits_for], [outcome, null]);
  }
});
