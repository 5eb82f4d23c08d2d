import assert from "node:assert/strict";
import {
  type IndexCandidate,
  openCandidates,
  proposeIndexes,
} from "../../services/rehearsals/candidates/candidates.ts";
import { findWastefulScans } from "../../services/rehearsals/candidates/scans.ts";
import { canRehearse } from "../../services/rehearsals/request.ts";

type Node = Record<string, unknown>;
const plan = (node: Node) => [{ Plan: node }];
const scan = (more: Node): Node => ({
  "Node Type": "Seq Scan",
  Schema: "app",
  "Relation Name": "trades",
  Alias: "t",
  "Actual Rows": 10,
  "Actual Loops": 1,
  "Rows Removed by Filter": 50_000,
  ...more,
});
const columnsOf = (node: Node) => findWastefulScans(plan(node)).map(({ columns }) => columns);

Deno.test("a scan that discards most rows asks for its equalities and then a range", () => {
  const filter = (text: string) => columnsOf(scan({ Filter: text }));
  assert.deepEqual(filter("(t.note = 'cancelled'::text)"), [["note"]]);
  assert.deepEqual(
    filter("((t.ts >= '2026-01-01'::date) AND (t.ts < now()) AND (t.symbol_id = 3))"),
    [["symbol_id", "ts"]],
  );
  assert.deepEqual(filter("(t.\"order\" = ANY ('{1,2}'::integer[]))"), [["order"]]);
  assert.deepEqual(filter("((t.kind)::text = 'x'::text)"), [["kind"]]);
  // No single index serves these.
  assert.deepEqual(filter("((t.a = 1) OR (t.b = 2))"), []);
  assert.deepEqual(filter("(t.a <> 1)"), []);
  assert.deepEqual(filter("(lower(t.a) ~~ 'x%'::text)"), []);
  const loops = scan({ Filter: "(t.a = 1)", "Rows Removed by Filter": 400, "Actual Loops": 3 });
  assert.equal(findWastefulScans(plan(loops))[0]?.read, 1_230);
});

Deno.test("scans of few rows, or of rows that are needed, ask for nothing", () => {
  const Filter = "(t.a = 1)";
  assert.deepEqual(columnsOf(scan({ Filter, "Rows Removed by Filter": 500 })), []);
  assert.deepEqual(columnsOf(scan({ Filter, "Actual Rows": 40_000 })), []);
  assert.deepEqual(columnsOf(scan({})), []);
  assert.deepEqual(findWastefulScans("nonsense"), []);
});

Deno.test("an index scan that discards most rows asks for a longer index", () => {
  const found = columnsOf(scan({
    "Node Type": "Index Scan",
    "Index Cond": "(t.symbol_id = 3)",
    Filter: "(t.exchange = 'P'::text)",
  }));
  assert.deepEqual(found, [["symbol_id", "exchange"]]);
});

Deno.test("the first rows of an order ask for its columns, and a join for its column", () => {
  const all = { "Actual Rows": 50_000, "Rows Removed by Filter": 0 };
  const first = (keys: string[], below: Node) => ({
    "Node Type": "Limit",
    "Actual Rows": 5,
    Plans: [{ "Node Type": "Sort", "Sort Key": keys, "Actual Rows": 5, Plans: [below] }],
  });
  assert.deepEqual(columnsOf(first(["t.ts DESC"], scan(all))), [["ts"]]);
  assert.deepEqual(
    columnsOf(first(["t.ts DESC"], scan({ ...all, Filter: "(t.symbol_id = 3)" }))),
    [["symbol_id", "ts"]],
  );
  assert.deepEqual(columnsOf(first(["t.ts DESC", "t.id"], scan(all))), []);
  assert.deepEqual(columnsOf(first(["(t.a + 1)"], scan(all))), []);
  // Without a limit all rows are needed.
  assert.deepEqual(
    columnsOf({ "Node Type": "Sort", "Sort Key": ["t.ts"], Plans: [scan(all)] }),
    [],
  );
  const join = {
    "Node Type": "Hash Join",
    "Hash Cond": "(t.symbol_id = s.id)",
    "Actual Rows": 20,
    Plans: [scan(all), {
      "Node Type": "Hash",
      Plans: [scan({ Alias: "s", "Actual Rows": 2, "Rows Removed by Filter": 0 })],
    }],
  };
  assert.deepEqual(columnsOf(join), [["symbol_id"]]);
});

const table = (more = {}) => ({
  relation: "trades",
  relation_schema: "app",
  schema: "app",
  name: "trades",
  is_partitioned: false,
  indexes: [["id"], ["symbol_id", "ts"]],
  ...more,
});
const wasteful = (columns: string[], more = {}) => ({
  schema: "app",
  relation: "trades",
  columns,
  read: 60_000,
  needed: 60,
  ...more,
});
const statement = (share: number, ...columns: string[][]) => ({
  query: `select ${columns.join()}`,
  share,
  scans: columns.map((some) => wasteful(some)),
});

Deno.test("candidates are advice that can be rehearsed, the most expensive statement's first", () => {
  const [first, second, ...more] = proposeIndexes(
    [statement(0.2, ["size"]), statement(0.5, ["note", "ts"]), statement(0.1, ["note"])],
    [table()],
  );
  assert.equal(first?.title, "Index app.trades (note, ts)");
  assert.equal(first?.sql, 'create index concurrently on "app"."trades" ("note", "ts")');
  assert.match(
    first?.detail ?? "",
    /50 % of the time read 60,000 rows .* needed 60: select note,ts/,
  );
  assert.equal(second?.title, "Index app.trades (size)");
  // The first one serves the third statement too.
  assert.deepEqual(more, []);
  assert.ok(canRehearse(first!));
  assert.match(first?.id ?? "", /^[0-9a-f]{12}$/);
});

Deno.test("what an index serves already is not proposed; a partition's index is its table's", () => {
  assert.deepEqual(proposeIndexes([statement(1, ["ts", "symbol_id"], ["id"])], [table()]), []);
  assert.deepEqual(proposeIndexes([statement(1, ["note"])], []), []);
  const [one] = proposeIndexes(
    [{ query: "q", share: 1, scans: [wasteful(["note"], { relation: "trades_p1" })] }],
    [table({ relation: "trades_p1", is_partitioned: true })],
  );
  assert.equal(one?.sql, 'create index on "app"."trades" ("note")');
  assert.match(one?.lock ?? "", /^SHARE on the table/);
});

Deno.test("a candidate stays open until a newer rehearsal of its statement does not name it", () => {
  const one = (id: string, query: string) =>
    ({ id, query, title: id, detail: "", sql: "" }) as IndexCandidate;
  const older = { candidates: [one("a", "q1"), one("b", "q2")], queries: ["q1", "q2"] };
  const open = (newer: { candidates: IndexCandidate[]; queries: string[] }) =>
    openCandidates([newer, older]).map(({ id }) => id);
  assert.deepEqual(open({ candidates: [], queries: ["q3"] }), ["a", "b"]);
  assert.deepEqual(open({ candidates: [], queries: ["q1"] }), ["b"]);
  assert.deepEqual(open({ candidates: [one("a", "q1")], queries: ["q1", "q2"] }), ["a"]);
});
