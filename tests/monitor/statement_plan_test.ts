import assert from "node:assert/strict";
import fc from "fast-check";
import type { Sql } from "../../db/connection.ts";
import { describeDatabaseError } from "../../db/errors.ts";
import { explainGenericPlan, readStatementSource } from "../../db/statements/plan.ts";
import { mendTypeWords } from "../../services/rehearsals/workload/sql_text.ts";
import {
  membersMax,
  nodesMax,
  type PlanNode,
  readPlanTree,
} from "../../services/monitor/statements/plan_tree.ts";
import { reasonOfSource } from "../../services/monitor/statements/planner.ts";
import { majors, onServer, openPlain } from "../helpers/majors.ts";

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...node.children.flatMap(nodesOf)];

/** The shares of all nodes, and of those that are left out. */
const sumOf = (root: PlanNode) =>
  nodesOf(root).reduce((sum, { share, left_out_share }) => sum + share + left_out_share, 0);

const setUp = `
  create extension pg_stat_statements;
  create role trader login;
  create schema desk authorization trader;
  alter role trader set search_path = desk, public;
  alter role trader set enable_hashjoin = off;
  set role trader;
  create table desk.orders (id int primary key, client int not null, at timestamptz not null, price float8);
  create table desk.clients (id int primary key, name text);
  insert into desk.orders select n, n % 100, now(), n from generate_series(1, 5000) as n;
  insert into desk.clients select n, 'c' || n from generate_series(1, 100) as n;
  create function desk.leave_role() returns void language plpgsql as $$ begin execute 'reset role'; end $$;
  create function desk.write() returns void language sql as $$ insert into desk.orders values (0, 0, now(), 0) $$;
  -- Immutable, so that the planner calls them; harmless but in a read-only transaction.
  create function desk.escape() returns int immutable language plpgsql as $$
  begin
    if current_setting('transaction_read_only') = 'on' then perform desk.leave_role(); end if;
    return 1;
  end $$;
  create function desk.evil() returns int immutable language plpgsql as $$
  begin
    if current_setting('transaction_read_only') = 'on' then perform desk.write(); end if;
    return 1;
  end $$;
  analyze desk.orders, desk.clients;
  reset role;
`;

/** Runs a statement as trader, and returns its id. */
async function run(sql: Sql, statement: string): Promise<string> {
  await sql.unsafe("select pg_stat_statements_reset()");
  await sql.unsafe(`set role trader; set search_path = desk, public; ${statement}; reset role`)
    .simple().catch(() => {});
  await sql.unsafe("reset role; reset search_path").simple();
  const [row] = await sql<{ id: string }[]>`
    select s.queryid::text as id
    from pg_stat_statements as s
    join pg_roles as r on r.oid = s.userid
    where r.rolname = 'trader'
    order by s.query ~ '^(reset|set) ', s.toplevel desc
    limit 1`;
  return row?.id ?? "";
}

async function planOf(sql: Sql, id: string): Promise<PlanNode> {
  const [row] = await sql<{ version: number }[]>`
    select current_setting('server_version_num')::int4 as version`;
  const version = row?.version ?? 0;
  const source = await readStatementSource(sql, "public", id, 10_000);
  assert.ok(source?.query, `the text of ${id}`);
  assert.equal(reasonOfSource(source, version), undefined);
  const answer = await explainGenericPlan(sql, {
    text: mendTypeWords(source.query),
    version,
    source,
    timeoutMs: 20_000,
    lockTimeoutMs: 2_000,
  });
  return readPlanTree(answer)?.root ?? assert.fail(JSON.stringify(answer));
}

for (const major of majors) {
  Deno.test(`generic plans of Postgres ${major}, with the rights and settings of the role that ran the statement`, async (t) => {
    await onServer(major, async (target) => {
      const pool = openPlain(target);
      const sql = await pool.reserve() as unknown as Sql;
      try {
        await sql.unsafe(setUp).simple();
        const shown = async (statement: string) => {
          const root = await planOf(sql, await run(sql, statement));
          assert.ok(Math.abs(sumOf(root) - 1) < 1e-9, `shares of ${statement}`);
          return nodesOf(root);
        };

        await t.step(
          "a join is planned with parameters, the search path and the settings of the role",
          async () => {
            const nodes = await shown(
              "select c.name, count(*) from orders as o join clients as c on c.id = o.client where o.price > 17 group by c.name",
            );
            const names = nodes.map(({ node }) => node);
            assert.ok(names.some((name) => /Nested Loop|Merge Join/.test(name)), names.join());
            assert.ok(!names.includes("Hash Join"), "the role has hash joins off");
            const filter = nodes.flatMap(({ conditions }) => conditions.map(({ text }) => text))
              .join();
            assert.match(filter, /price > \$1/);
          },
        );

        await t.step(
          "subplans, a CTE that is executed once, and a limit that stops early",
          async () => {
            const nodes = await shown(`
            with dear as materialized (select client, max(price) as most from orders group by client)
            select o.id, (select c.name from clients as c where c.id = o.client and c.name <> 'x')
            from orders as o
            join dear as d on d.client = o.client
            where o.price = d.most
            limit 3`);
            assert.ok(nodes.some(({ role, name }) => role === "init_plan" && name === "CTE dear"));
            assert.ok(nodes.some(({ role }) => role === "sub_plan"));
            assert.ok(nodes.every(({ share }) => share >= 0 && share <= 1));
          },
        );

        await t.step(
          "an interval constant, an insert, an update and a delete have a plan",
          async () => {
            await shown("select count(*) from orders where at > now() - interval '1 day'");
            const written = await shown("insert into clients values (1000, 'x')");
            assert.deepEqual(written.map(({ node }) => node), ["Insert", "Result"]);
            assert.equal(
              (await shown("update orders set price = 1 where id = 1"))[0]?.node,
              "Update",
            );
            assert.equal((await shown("delete from orders where id = 2"))[0]?.node, "Delete");
          },
        );

        await t.step(
          "planning neither writes, nor leaves the role, nor leaves anything behind",
          async () => {
            for (const call of ["evil", "escape"]) {
              const id = await run(sql, `select desk.${call}()`);
              assert.notEqual(id, "", call);
              await assert.rejects(planOf(sql, id), (error) => {
                assert.match(
                  describeDatabaseError(error),
                  call === "evil"
                    ? /cannot execute INSERT in a read-only transaction/
                    : /cannot set parameter "role" within security-(definer|restricted)/,
                );
                return true;
              });
            }
            const [left] = await sql<
              { rows: number; functions: number; prepared: number; role: string }[]
            >`
            select
              (select count(*)::int4 from desk.orders where id = 0) as rows,
              (select count(*)::int4 from pg_proc where proname = 'holdfast_explain') as functions,
              (select count(*)::int4 from pg_prepared_statements where name = 'holdfast_plan') as prepared,
              current_user::text as role`;
            assert.deepEqual({ ...left }, { rows: 0, functions: 0, prepared: 0, role: "postgres" });
          },
        );

        await t.step("what has no plan says why", async () => {
          const version = major * 10_000;
          const id = await run(sql, "select * from orders where id = 5");
          const source = (await readStatementSource(sql, "public", id, 10_000))!;
          const why = (change: Partial<typeof source>) =>
            reasonOfSource({ ...source, ...change }, version);
          assert.match(why({ query: "analyze orders" })!.detail, /another command/);
          assert.match(why({ query: null })!.detail, /longer than 100000/);
          assert.match(why({ role: null })!.detail, /dropped/);
          const { remedy } = why({ may_become: false })!;
          assert.match(remedy!, /^grant "trader" to "postgres"/);
          await sql.unsafe(remedy!);
          const short = await readStatementSource(sql, "public", id, 10);
          assert.equal(short?.query, null);
          assert.equal(await readStatementSource(sql, "public", "1", 10), undefined);
          await sql.unsafe("alter table desk.orders rename to gone");
          await assert.rejects(planOf(sql, id), /does not exist/);
        });
      } finally {
        await pool.end({ timeout: 1 });
      }
    });
  });
}

const explained = (node: Record<string, unknown>) => readPlanTree([{ Plan: node }])!.root;

Deno.test("the share of a node: loops, hashed subplans, parallel workers and early ends", () => {
  const scan = (relationship: string, cost: number, rows: number, more = {}) => ({
    "Node Type": "Seq Scan",
    "Parent Relationship": relationship,
    "Relation Name": "t",
    Alias: "t",
    "Total Cost": cost,
    "Plan Rows": rows,
    ...more,
  });
  const shares = (node: Record<string, unknown>) =>
    nodesOf(explained(node)).map(({ share }) => Math.round(share * 1000) / 1000);
  const loop = { "Node Type": "Nested Loop", "Join Type": "Left", "Total Cost": 1_000 };
  assert.equal(explained(loop).node, "Nested Loop Left Join");
  // The inner side is executed for each of 50 outer rows.
  assert.deepEqual(
    shares({ ...loop, Plans: [scan("Outer", 400, 50), scan("Inner", 10, 1)] }),
    [0.1, 0.4, 0.5],
  );
  // Rows that are kept are not computed again: the loop itself walks over them.
  assert.deepEqual(
    shares({
      ...loop,
      Plans: [scan("Outer", 400, 50), scan("Inner", 10, 1, { "Node Type": "Materialize" })],
    }),
    [0.59, 0.4, 0.01],
  );
  const filtered = (filter: string) => ({
    "Node Type": "Seq Scan",
    "Total Cost": 1_000,
    "Plan Rows": 90,
    Filter: filter,
    Plans: [scan("SubPlan", 10, 1, { "Subplan Name": "SubPlan 1" })],
  });
  assert.deepEqual(shares(filtered("(x > (SubPlan 1))")), [0.1, 0.9]);
  assert.deepEqual(shares(filtered("(NOT (hashed SubPlan 1))")), [0.99, 0.01]);
  // A limit pays for a part of what is below it.
  assert.deepEqual(
    shares({ "Node Type": "Limit", "Total Cost": 5, Plans: [scan("Outer", 500, 1_000)] }),
    [0, 1],
  );
  const gather = explained({
    "Node Type": "Gather",
    "Total Cost": 3_000,
    "Plan Rows": 300,
    "Workers Planned": 2,
    Plans: [scan("Outer", 1_900, 125, { "Parallel Aware": true })],
  });
  const [leader, worker] = nodesOf(gather);
  assert.deepEqual([leader?.workers, leader?.per_worker, worker?.per_worker], [2, false, true]);
  assert.equal(worker?.node, "Parallel Seq Scan");
  assert.equal(readPlanTree([]), undefined);
  assert.equal(readPlanTree(null), undefined);
});

Deno.test("a plan over 5,000 partitions is folded: the most expensive members, and the share of the others", () => {
  const members = Array.from({ length: 5_000 }, (_, n) => ({
    "Node Type": "Seq Scan",
    "Parent Relationship": "Member",
    "Relation Name": `t_${n}`,
    "Total Cost": n === 4_321 ? 5_000 : 1,
  }));
  const tree = readPlanTree([{
    Plan: { "Node Type": "Append", "Total Cost": 9_999, Plans: members },
  }])!;
  assert.equal(tree.nodes, 5_001);
  assert.equal(tree.root.children.length, membersMax);
  assert.equal(tree.root.left_out, 5_000 - membersMax);
  assert.ok(tree.root.children.some(({ relation }) => relation === "t_4321"));
  assert.ok(Math.abs(sumOf(tree.root) - 1) < 1e-9);
});

Deno.test("for any plan, shares are never negative, add up to 1, and the tree is bounded", () => {
  const leaf = fc.record({
    "Node Type": fc.constantFrom("Seq Scan", "Nested Loop", "Append", "Recursive Union", "Limit"),
    "Parent Relationship": fc.constantFrom("Outer", "Inner", "Member", "InitPlan", "SubPlan"),
    "Subplan Name": fc.constantFrom("SubPlan 1", "CTE x"),
    "Total Cost": fc.double({ min: 0, max: 1e12, noNaN: true }),
    "Plan Rows": fc.double({ min: 0, max: 1e9, noNaN: true }),
  });
  const { node } = fc.letrec<{ node: Record<string, unknown> }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.tuple(leaf, fc.array(tie("node"), { maxLength: 20 }))
        .map(([one, Plans]) => ({ ...one, Plans })),
    ),
  }));
  fc.assert(
    fc.property(node, (plan) => {
      const { root, nodes } = readPlanTree([{ Plan: plan }])!;
      const all = nodesOf(root);
      assert.ok(all.every(({ share }) => share >= 0));
      assert.ok(Math.abs(sumOf(root) - 1) < 1e-6);
      assert.ok(all.length <= nodesMax);
      assert.equal(all.length + all.reduce((sum, { left_out }) => sum + left_out, 0), nodes);
    }),
    { numRuns: 60 },
  );
});
