import assert from "node:assert/strict";
import fc from "fast-check";
import type { ColumnStats } from "../../db/rehearsals/probe.ts";
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import {
  drawParameters,
  fillIn,
  firstUndrawable,
  type Parameter,
  textOf,
} from "../../services/rehearsals/workload/parameters.ts";
import { placesInPlan, placesInText } from "../../services/rehearsals/workload/places.ts";
import { isAboutServer, selectTop } from "../../services/rehearsals/workload/selection.ts";
import {
  copyOfClient,
  findOpenTransaction,
  kindOf,
  mendTypeWords,
  namesIn,
  parameterCount,
  splitStatements,
  tokenize,
} from "../../services/rehearsals/workload/sql_text.ts";

const pieces = fc.array(
  fc.constantFrom(
    ..."' '' \" $$ $a$ $1 -- /* */ \n ; E' \\ U&\" select begin atomic end a.b ::".split(" "),
    fc.sample(fc.string(), 1)[0] ?? "x",
  ),
  { maxLength: 40 },
).map((parts) => parts.join(" "));

Deno.test("joined tokens equal the text for any input", () => {
  fc.assert(fc.property(fc.oneof(pieces, fc.string()), (text) => {
    assert.equal(tokenize(text).map((token) => token.text).join(""), text);
  }));
});

Deno.test("a script is split at its semicolons, except in strings, comments, names and function bodies", () => {
  const script = `-- one; two
create index concurrently "a;b" on t (x); /* ; /* ; */ ; */
do $body$ begin perform 1; end $body$;
insert into t values ('a;''b', E'c\\';d');
create function f() returns int language sql begin atomic select case when true then 1 end; end;
;;`;
  assert.deepEqual(splitStatements(script).map(({ sql, line }) => [line, sql.slice(0, 21)]), [
    [2, "create index concurre"],
    [3, "do $body$ begin perfo"],
    [4, "insert into t values "],
    [5, "create function f() r"],
  ]);
  assert.deepEqual(splitStatements("-- nothing\n ; "), []);
});

Deno.test("statements are classified as reads, writes and others", () => {
  const cases: [string, string][] = [
    ["select 1", "read"],
    ["  /* update */ (select 1) union select 2", "read"],
    ["values (1)", "read"],
    ["with a as (select 1) select * from a", "read"],
    ["with a as (delete from t returning *) select * from a", "write"],
    ["select * from t for update skip locked", "write"],
    ["select * from t for no key update", "write"],
    ["select 'for update' from t", "read"],
    ["select * into x from t", "other"],
    ["insert into t select 1", "write"],
    ["merge into t using s on true when matched then delete", "write"],
    ["copy t from stdin", "other"],
    ["begin", "other"],
    ["vacuum t", "other"],
    ["", "other"],
  ];
  for (const [sql, kind] of cases) assert.equal(kindOf(sql), kind, sql);
});

Deno.test("parameters are counted, but not in strings and comments", () => {
  assert.equal(parameterCount("select $1, '$9', $tag$ $8 $tag$, $2 -- $7"), 2);
  assert.equal(
    mendTypeWords("select now() - interval $1, timestamptz $2"),
    "select now() - cast($1 as interval), cast($2 as timestamptz)",
  );
  assert.deepEqual(namesIn(`drop index App."Odd ""name"`), [
    { schema: null, name: "drop" },
    { schema: null, name: "index" },
    { schema: null, name: "app" },
    { schema: "app", name: 'Odd "name' },
  ]);
});

const places = (sql: string) =>
  [...placesInText(sql, [{ schema: null, name: "t" }])].map(([number, place]) =>
    place.kind === "column"
      ? `$${number} ${place.column} ${place.comparison}`
      : `$${number} ${place.kind}`
  ).sort().join(", ");

Deno.test("a statement's text shows where its parameters are used", () => {
  const cases: [string, string][] = [
    ["select * from t where a = $1", "$1 a equal"],
    ["select * from t where t.a >= $1 and a<$2", "$1 a above, $2 a below"],
    ["select * from t where a between $1 and $2", "$1 a above, $2 a below"],
    ["select * from t where a in ($1, $2, $3)", "$1 a equal, $2 a equal, $3 a equal"],
    ["select * from t where a not in ($1 /*, ... */)", "$1 a equal"],
    ["select * from t where a = any($1) limit $2 offset $3", "$1 a any, $2 limit, $3 offset"],
    ["select * from t where a = cast($1 as int)", "$1 a equal"],
    ["select * from t where a like $1", "$1 a like"],
    ["update t set a = $1, b = $2 where c = $3", "$1 a equal, $2 b equal, $3 c equal"],
    [
      "insert into t (a, b) values ($1, lower($2)), ($3, $4)",
      "$1 a assigned, $2 b assigned, $3 a assigned, $4 b assigned",
    ],
    ["select $1", ""],
    ["select payload ->> $1 from t", ""],
  ];
  for (const [sql, expected] of cases) assert.equal(places(sql), expected, sql);
});

Deno.test("a generic plan shows where they are used, through aliases, casts and partitions", () => {
  const plan = [{
    Plan: {
      "Node Type": "Nested Loop",
      Plans: [
        {
          "Node Type": "Index Scan",
          "Relation Name": "ticks_p1",
          Schema: "market",
          Alias: "x_1",
          "Index Cond":
            "((x_1.instrument_id = $1) AND (x_1.ts >= $2) AND (x_1.ts < ($3 + '1 day'::interval)))",
        },
        {
          "Node Type": "Seq Scan",
          "Relation Name": "Odd",
          Schema: "app",
          Alias: "o",
          Filter:
            "(((o.symbol)::text ~~ $4) AND (o.id = ANY ($5)) AND ((o.state)::text = ($6)::text))",
        },
      ],
    },
  }];
  const found = [...placesInPlan(plan)].map(([number, place]) =>
    place.kind === "column"
      ? [number, place.tables[0]?.name, place.column, place.comparison]
      : [number]
  );
  assert.deepEqual(found, [
    [1, "ticks_p1", "instrument_id", "equal"],
    [2, "ticks_p1", "ts", "above"],
    [3, "ticks_p1", "ts", "below"],
    [4, "Odd", "symbol", "like"],
    [5, "Odd", "id", "any"],
    [6, "Odd", "state", "equal"],
  ]);
  assert.deepEqual([...placesInPlan(null)], []);
});

function column(stats: Partial<ColumnStats>): ColumnStats {
  return {
    schema: "app",
    table: "t",
    column: "a",
    type: "integer",
    rows: 1000,
    common: [],
    common_shares: [],
    bounds: [],
    distinct: 0,
    ...stats,
  };
}

Deno.test("values are drawn with their frequency", () => {
  const stats = column({
    common: ["1", "2"],
    common_shares: [0.6, 0.2],
    bounds: ["10", "20", "30"],
  });
  const parameter: Parameter = {
    type: "integer",
    from: { kind: "column", stats, comparison: "equal" },
  };
  const random = createRandom(1);
  const drawn = Array.from({ length: 4000 }, () => drawParameters([parameter], 1, random)[0]);
  const shareOf = (value: string) => drawn.filter((one) => one === value).length / drawn.length;
  assert.ok(Math.abs(shareOf("1") - 0.6) < 0.04, String(shareOf("1")));
  assert.ok(Math.abs(shareOf("2") - 0.2) < 0.04);
  assert.ok(Math.abs(shareOf("20") - 0.2 / 3) < 0.03);
});

Deno.test("two bounds of one column form an ascending range within its values", () => {
  const times = column({
    column: "ts",
    type: "timestamp with time zone",
    bounds: ["2026-01-01 00:00:00+00", "2026-01-01 12:00:00.5+00", "2026-01-02 00:00:00+00"],
  });
  const parameters: Parameter[] = (["above", "below"] as const).map((comparison) => ({
    type: times.type,
    from: { kind: "column", stats: times, comparison },
  }));
  fc.assert(fc.property(fc.integer({ min: 0 }), (seed) => {
    const [low = "", high = ""] = drawParameters(parameters, 1, createRandom(seed));
    assert.ok(low < high, `${low} ${high}`);
    assert.ok(low >= "2026-01-01T00:00:00" && high <= "2026-01-02T00:00:00.000Z", `${low} ${high}`);
  }));
});

Deno.test("undrawable parameters are named, and limits come from the rows per call", () => {
  const unknown: Parameter = { type: "text", from: { kind: "unknown" } };
  const limit: Parameter = { type: "bigint", from: { kind: "limit" } };
  assert.equal(firstUndrawable([limit, unknown]), 2);
  assert.equal(
    firstUndrawable([limit, { type: "interval", from: { kind: "unknown" } }]),
    undefined,
  );
  assert.deepEqual(drawParameters([limit], 12.3, createRandom(1)), ["13"]);
});

Deno.test("parameters are replaced by quoted literals of their types, and nothing else changes", () => {
  assert.equal(
    fillIn("select $1, '$1', $2", ["text", "integer[]"], ["it's", textOf([1, null, 3])]),
    "select cast('it''s' as text), '$1', cast('{\"1\",NULL,\"3\"}' as integer[])",
  );
  assert.equal(fillIn("select $1", ["text"], [null]), "select cast(null as text)");
  fc.assert(fc.property(fc.string(), (value) => {
    if (value.includes("\0")) return;
    const filled = fillIn("select $1", ["text"], [value]);
    // Whatever the value, it stays one string.
    assert.equal(splitStatements(filled).length, 1);
    assert.equal(tokenize(filled).filter(({ kind }) => kind === "string").length, 1);
  }));
});

Deno.test("the costly queries of pg_stat_statements are selected, without Holdfast's own and DDL", () => {
  const row = (query: string, total_ms: number) => ({
    query_id: query,
    query,
    calls: 2,
    total_ms,
    rows: 10,
  });
  const { wanted, total } = selectTop(
    [
      row("insert into holdfast.samples values ($1)", 900),
      row("select * from pg_catalog.pg_class", 800),
      row("create index on t (a)", 700),
      row("copy t from stdin", 60),
      row("select a from t where b = $1", 30),
      row("update t set a = $1", 10),
    ],
    [
      { query_id: "select a from t where b = $1", query: "select a from t where b = 7" },
      { query_id: "select a from t where b = $1", query: "select a from t where b = $1" },
    ],
    2,
  );
  assert.equal(total, 100);
  assert.deepEqual(wanted.map(({ kind, weight }) => [kind, weight]), [["other", 60], ["read", 30]]);
  assert.deepEqual(wanted[1]?.observed, ["select a from t where b = 7"]);
  assert.equal(wanted[1]?.rows_per_call, 5);
  assert.deepEqual(wanted[1]?.observed.length, 1);
  assert.ok(isAboutServer('select * from "pg_stat_activity"'));
  assert.ok(!isAboutServer("select 'pg_stat_activity' from trades"));
});

Deno.test("a COPY of a client's rows is recognised, and one of files is not taken for it", () => {
  for (
    const sql of [
      "copy t from stdin",
      'COPY public."from" (a, "to") FROM STDIN WITH (FORMAT csv)',
      "copy /* from a file */ t from\nstdin",
    ]
  ) assert.equal(copyOfClient(sql), "from", sql);
  assert.equal(copyOfClient("copy (select a from stdin) to stdout"), "to");
  for (
    const sql of [
      "copy t from '/tmp/stdin'",
      "copy t from program 'cat stdin'",
      "insert into t select * from stdin",
      "copy (select 1 from stdin) to '/tmp/x'",
    ]
  ) assert.equal(copyOfClient(sql), undefined, sql);
});

Deno.test("a transaction that a script does not end is found", () => {
  const line = (script: string) => findOpenTransaction(splitStatements(script))?.line;
  assert.equal(line("begin;\nalter table t add a int"), 1);
  assert.equal(line("select 1;\nstart transaction;\nselect 2;\nrollback to savepoint s"), 2);
  assert.equal(line("begin;\ncommit and chain;\nselect 1"), 2);
  for (
    const script of [
      "alter table t add a int",
      "begin; alter table t add a int; commit",
      "begin; savepoint s; rollback to s; end",
      "begin; commit and no chain",
      "create function f() returns int language sql begin atomic; select 1; end",
    ]
  ) assert.equal(line(script), undefined, script);
});

Deno.test("a message of several statements is no sample of one of them", () => {
  const query = "update t set a = $1";
  const seen = [
    "update t set a = 1; commit",
    "update t set a = 2",
    "begin; update t set a = 3",
    "update t set a = 4;",
  ]
    .map((text) => ({ query_id: "7", query: text }));
  const { wanted } = selectTop([{ query_id: "7", query, calls: 1, total_ms: 1, rows: 1 }], seen, 5);
  // Replayed in a transaction, the others would end it, and their writes would stay.
  assert.deepEqual(wanted[0]?.observed, ["update t set a = 2", "update t set a = 4;"]);
});

Deno.test("coverage counts what cannot be replayed or seen, and functions that may read tables", () => {
  const row = (query: string | null, total_ms: number, query_id: string | null = query) => ({
    query_id,
    query,
    calls: 1,
    total_ms,
    rows: 1,
  });
  const { wanted, total } = selectTop(
    [
      row("<insufficient privilege>", 1_000, null),
      row(null, 500, "8"),
      row("call app.fill($1)", 100),
      row("select app.find_orders($1, $2)", 50),
      row("fetch forward 100 from c", 10),
      row("select a from t", 5),
      row("select pg_advisory_lock($1)", 9_000),
      row("select set_config($1, $2, $3)", 9_000),
      row("select now(), $1", 9_000),
    ],
    [],
    10,
  );
  assert.equal(total, 1_665);
  assert.deepEqual(wanted.map(({ kind, weight }) => [kind, weight]), [
    ["other", 100],
    ["read", 50],
    ["other", 10],
    ["read", 5],
  ]);
});
