import assert from "node:assert/strict";
import fc from "fast-check";
import type { IndexRow } from "../../db/collectors/tables/collectors.ts";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { judgeIndexes } from "../../services/monitor/diagnosis/indexes.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { type RandomSchema, randomSchema } from "../helpers/random_schema.ts";
import { plainQuestion } from "../helpers/question.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, slowTests, testWith } from "../helpers/skip.ts";

const month = 30 * 86_400;
const question = plainQuestion("indexes");

const uses = (plan: string) => /"(Bitmap )?Index (Only )?Scan"/.test(plan);
const searches = (plan: string) => plan.includes('"Index Cond"');
const needsNoSort = (plan: string) => !/"(Incremental )?Sort"/.test(plan);

/** Ways to plan a query, and what an index then does for it if it can. */
const modes = [
  {
    settings: "set enable_seqscan = off; set enable_sort = on; set enable_bitmapscan = on",
    abilities: { "uses an index": uses, "searches an index": searches },
  },
  {
    settings: "set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = on",
    abilities: { "uses an index": uses, "comes in order from an index": needsNoSort },
  },
  {
    settings: "set enable_seqscan = off; set enable_sort = on; set enable_bitmapscan = off",
    abilities: { "uses an index": uses, "searches an index": searches },
  },
];

const tools = `
  create schema tools;
  -- Runs each statement; its outcome is the rows it touched, or the SQLSTATE it was refused with.
  create function tools.outcomes(statements text[]) returns text[] language plpgsql as $$
  declare
    one text;
    touched bigint;
    found text[] := '{}';
  begin
    foreach one in array statements loop
      begin
        execute one;
        get diagnostics touched = row_count;
        found := found || touched::text;
      exception when others then
        found := found || sqlstate;
      end;
    end loop;
    return found;
  end $$;
  create function tools.answers(queries text[]) returns text[] language plpgsql as $$
  declare
    one text;
    answer text;
    found text[] := '{}';
  begin
    foreach one in array queries loop
      execute one;
      execute format(
        'select md5(string_agg(q::text, '','' order by q::text)) from (%s) as q',
        regexp_replace(one, ' limit 20$', '')
      ) into answer;
      found := found || coalesce(answer, '');
    end loop;
    return found;
  end $$;
  create function tools.plans(queries text[]) returns text[] language plpgsql as $$
  declare
    one text;
    plan json;
    found text[] := '{}';
  begin
    foreach one in array queries loop
      execute 'explain (format json, costs off) ' || one into plan;
      found := found || plan::text;
    end loop;
    return found;
  end $$;`;

const open = (target: Target): Sql =>
  connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

/** What each write does or is refused with; all is taken back. */
async function outcomesOf(sql: Sql, { writes }: RandomSchema): Promise<string[]> {
  await sql`begin`;
  const [{ found }] = await sql`select tools.outcomes(${writes}) as found` as [{ found: string[] }];
  await sql`rollback`;
  return found;
}

/** What the queries answer, and what their plans can use. */
async function observe(sql: Sql, { queries }: RandomSchema) {
  const plans: string[][] = [];
  const answers: string[][] = [];
  for (const { settings } of modes) {
    await sql.unsafe(settings).simple();
    plans.push((await sql`select tools.plans(${queries}) as found`)[0]!.found);
    answers.push((await sql`select tools.answers(${queries}) as found`)[0]!.found);
  }
  return { plans, answers };
}

function assertNoneLost({ queries }: RandomSchema, before: string[][], after: string[][]): void {
  for (const [mode, { abilities }] of modes.entries()) {
    for (const [at, query] of queries.entries()) {
      const [old, present] = [before[mode]![at]!, after[mode]![at]!];
      for (const [what, has] of Object.entries(abilities)) {
        // Conditions that exclude each other are never looked up: nothing reads what such a plan names.
        const neverRuns = old.includes('"One-Time Filter": "false"');
        assert.ok(
          neverRuns || !has(old) || has(present),
          `${query} no longer ${what}\n${old}\n${present}`,
        );
      }
    }
  }
}

/** Makes the schema, asks for advice, follows all of it, and compares. Answers how many drops of each kind. */
async function follow(sql: Sql, schema: RandomSchema): Promise<string[]> {
  await sql.unsafe(`
    drop publication if exists pub;
    drop schema if exists s cascade;
    create schema s;
    set search_path = s;
    reset enable_seqscan;
  `).simple();
  try {
    await sql`select tools.outcomes(${[...schema.make, ...schema.indexes, ...schema.rows]})`;
    await sql.unsafe("refresh materialized view m; analyze").simple();
    // Before the plans: what is taken back leaves dead rows, which the planner's costs count.
    const outcomes = await outcomesOf(sql, schema);
    const before = await observe(sql, schema);
    await sql`select pg_stat_force_next_flush()`;
    await sql`select 1`;
    const rows = (await sql.unsafe(question) as unknown as IndexRow[])
      .filter((row) => row.schema === "s");
    const reports = judgeIndexes(rows, () => month);
    const drops = reports.filter(({ cure }) => cure?.sql.startsWith("drop"));
    for (const { cure } of drops) await sql.unsafe(cure!.sql);
    const after = await observe(sql, schema);
    const label = JSON.stringify(drops.map(({ name, problems }) => [name, problems]));
    assert.deepEqual(after.answers, before.answers, `answers after ${label}`);
    assert.deepEqual(await outcomesOf(sql, schema), outcomes, `writes after ${label}`);
    assertNoneLost(schema, before.plans, after.plans);
    return drops.flatMap(({ problems }) => problems);
  } catch (error) {
    if (error instanceof Error) error.message += `\n${schema.indexes.join(";\n")}`;
    throw error;
  }
}

async function holds(target: Target, numRuns: number): Promise<void> {
  const sql = open(target);
  try {
    // The planner is told to find conditions that exclude each other (i = 0 and i > 5): else it plans an index scan that
    // ends before it reads, so that no use is counted and none is lost.
    await sql.unsafe(`
      set client_min_messages = error; set jit = off; set constraint_exclusion = on; ${tools}
    `).simple();
    const drops = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(randomSchema, async (schema) => {
        for (const kind of await follow(sql, schema)) drops.set(kind, (drops.get(kind) ?? 0) + 1);
      }),
      // The short run repeats its schemas; the long one draws new ones.
      { numRuns, endOnFailure: true, ...(numRuns < 100 ? { seed: 14 } : {}) },
    );
    for (const kind of ["duplicate", "covered", "unused"]) {
      assert.ok(drops.get(kind), `some drop is for ${kind}: ${JSON.stringify([...drops])}`);
    }
    if (slowTests.present) {
      console.log(numRuns, "schemas, drops advised:", Object.fromEntries(drops));
    }
  } finally {
    await sql.end({ timeout: 2 });
  }
}

const schemas = slowTests.present ? 200 : 15;

Deno.test(`indexes: on ${schemas} random schemas no advised drop loses anything`, async () => {
  const server = await startServer({ autovacuum: "off" });
  try {
    await holds(server.target, schemas);
  } finally {
    await server.stop();
  }
});

testWith(
  debianPostgres,
  `indexes: on ${schemas} random schemas no advised drop loses anything, on Postgres 15`,
  async () => {
    const server = await createDebianServer({ settings: ["autovacuum=off", "fsync=off"] });
    try {
      await server.start();
      await holds({ kind: "url", url: server.url }, schemas);
    } finally {
      await server.remove();
    }
  },
);
