import fc from "fast-check";

/** A column or expression of an index, with what may be said of it. */
interface Key {
  of: string;
  collation: string;
  opclass: string;
  order: string;
}

interface IndexSpec {
  method: string;
  unique: boolean;
  nullsNotDistinct: boolean;
  keys: Key[];
  include: string;
  where: string;
  option: string;
}

/** Statements that make a schema, and the reads and writes that it serves. */
export interface RandomSchema {
  /** Each is run by itself; those that the server refuses are left out. */
  make: string[];
  /** Refused ones leave their kind unused, no more. */
  indexes: string[];
  rows: string[];
  queries: string[];
  writes: string[];
}

const column = fc.constantFrom("i", "i", "n", "s", "s", "d", "b", "p");
const expression = fc.constantFrom("(lower(s))", "(i + 1)", "(n % 10)", "(coalesce(i, 0))");
const key: fc.Arbitrary<Key> = fc.record({
  of: fc.oneof({ weight: 8, arbitrary: column }, { weight: 1, arbitrary: expression }),
  collation: fc.constantFrom("", "", "", ' collate "C"', ' collate "POSIX"'),
  opclass: fc.constantFrom("", "", "", "", " text_pattern_ops", " int4_minmax_multi_ops"),
  order: fc.constantFrom("", "", "", " desc", " nulls first", " desc nulls last"),
});
const where = fc.constantFrom("", "", "", "", "i > 2", "i is not null", "b", "s <> ''", "n > 0");
const spec: fc.Arbitrary<IndexSpec> = fc.record({
  method: fc.constantFrom(
    "btree",
    "btree",
    "btree",
    "btree",
    "btree",
    "hash",
    "brin",
    "gin",
    "gist",
  ),
  unique: fc.nat(5).map((roll) => roll === 0),
  nullsNotDistinct: fc.nat(2).map((roll) => roll === 0),
  keys: fc.array(key, { minLength: 1, maxLength: 3 }),
  include: fc.constantFrom("", "", "", "", "n", "s"),
  where,
  option: fc.constantFrom("", "", "", "fillfactor = 70", "pages_per_range = 2"),
});

/** Indexes much like another: with one thing changed, or none. */
function kin(of: IndexSpec, other: IndexSpec, change: number): IndexSpec[] {
  const [first, ...more] = of.keys;
  const [otherFirst] = other.keys;
  if (!first || !otherFirst) return [of];
  const btree = { ...of, method: "btree" };
  const plain = { ...btree, unique: false, include: "", where: "" };
  const text = { of: "s", opclass: "", order: "", collation: "" };
  const variants: (() => IndexSpec[])[] = [
    () => [of],
    () => [of],
    () => [{ ...of, keys: [...of.keys, otherFirst] }],
    () => [{ ...btree, keys: [...of.keys, otherFirst], where: other.where }],
    () => [{ ...btree, keys: [{ ...first, order: otherFirst.order }, ...more] }],
    () => [{ ...btree, where: of.where ? "" : "i > 2" }],
    () => [{ ...btree, unique: !of.unique }],
    () => [{ ...btree, include: other.include }],
    () => [{ ...of, option: other.option }],
    () => [{ ...of, method: other.method }],
    // Pairs that look alike, whatever they are made from.
    () => ["", ' collate "C"'].map((collation) => ({ ...plain, keys: [{ ...text, collation }] })),
    () => ["", " text_pattern_ops"].map((opclass) => ({ ...plain, keys: [{ ...text, opclass }] })),
    () =>
      ["", ' collate "C"'].map((collation) => ({
        ...plain,
        keys: collation ? [{ ...text, collation }, first] : [text],
      })),
    () =>
      [false, true].map((nullsNotDistinct) => ({
        ...btree,
        unique: true,
        nullsNotDistinct,
        where: "",
        keys: [{ ...first, of: first.of === "s" ? "s" : "i" }, { ...text, of: "p" }],
      })),
    () => ["", "i > 2"].map((where) => ({ ...plain, where, keys: [first] })),
  ];
  return variants[change % variants.length]!();
}

const specs = fc.tuple(
  fc.array(spec, { minLength: 2, maxLength: 4 }),
  fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.nat(14)), { minLength: 3, maxLength: 6 }),
).map(([first, changes]) => {
  const all = [...first];
  for (const [of, other, change] of changes) {
    const [a, b] = [all[of % all.length], all[other % all.length]];
    if (a && b) all.push(...kin(a, b, change));
  }
  return all;
});

const special: Record<string, string> = {
  gin: "(a)",
  gist: "(r)",
};

function definition(name: string, table: string, index: IndexSpec): string {
  const { method, unique, nullsNotDistinct, include, option } = index;
  const btree = method === "btree";
  const keys = index.keys
    .filter((_, at) => btree || at === 0 || method === "brin")
    .map(({ of, collation, opclass, order }) =>
      [
        of,
        of === "s" || of === "(lower(s))" ? collation : "",
        (opclass === " text_pattern_ops" && of === "s" && method !== "brin") ||
          (opclass === " int4_minmax_multi_ops" && of === "i" && method === "brin")
          ? opclass
          : "",
        btree ? order : "",
      ].join("")
    );
  return [
    `create ${unique && btree ? "unique " : ""}index ${name} on ${table} using ${method}`,
    special[method] ?? `(${keys.join(", ")})`,
    include && btree ? `include (${include})` : "",
    unique && btree && nullsNotDistinct ? "nulls not distinct" : "",
    option.startsWith("pages") === (method === "brin") && option && method !== "gin"
      ? `with (${option})`
      : "",
    index.where ? `where ${index.where}` : "",
  ].filter(Boolean).join(" ");
}

const int = fc.integer({ min: 0, max: 9 });
const text = fc.constantFrom("''", "'a'", "'A'", "'ab'", "'Ab'", "'b'", "'B'", "'z_'");
const orNull = (value: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant("null") });
const day = int.map((n) => `'2026-01-0${(n % 9) + 1}'`);
const row = fc.tuple(
  orNull(int.map(String)),
  orNull(int.map((n) => String(n - 4))),
  orNull(text),
  orNull(day),
  orNull(fc.constantFrom("true", "false")),
  int.map(String),
  orNull(int.map((n) => `'{${n},1}'`)),
  orNull(int.map((n) => `'[${n},${n + 3})'`)),
).map((values) => values.join(", "));

const condition = fc.oneof(
  int.map((n) => `i = ${n}`),
  int.map((n) => `i > ${n}`),
  int.map((n) => `n = ${n - 4}`),
  int.map((n) => `n between 0 and ${n}`),
  text.map((s) => `s = ${s}`),
  text.map((s) => `s > ${s} collate "C"`),
  text.map((s) => `lower(s) = ${s}`),
  day.map((d) => `d >= ${d}`),
  day.map((d) => `d = ${d}`),
  int.map((n) => `p = ${n}`),
  int.map((n) => `a @> '{${n}}'`),
  int.map((n) => `r && '[${n},${n + 1})'`),
  fc.constantFrom(
    "b",
    "not b",
    "s like 'a%'",
    `s collate "C" like 'A%'`,
    "i is null",
    "i is not null",
    "s is null",
    "s <> ''",
    "i > 2",
    "n > 0",
  ),
);
const query = fc.record({
  what: fc.constantFrom("*", "i", "i, n", "s", "count(*)"),
  conditions: fc.array(condition, { maxLength: 3 }),
  order: fc.constantFrom("", "", "i", "i desc", "s", 's collate "C"', "i, n", "d desc nulls last"),
}).map(({ what, conditions, order }) =>
  [
    `select ${what} from t`,
    conditions.length > 0 ? `where ${conditions.join(" and ")}` : "",
    order && what === "*" ? `order by ${order} limit 20` : "",
  ].filter(Boolean).join(" ")
);

const columns = "i, n, s, d, b, p, a, r";
const write = fc.oneof(
  { weight: 6, arbitrary: row.map((values) => `insert into t (${columns}) values (${values})`) },
  // Twice the same of nothing: what NULLS NOT DISTINCT refuses.
  { weight: 3, arbitrary: int.map((n) => `insert into t (p) values (${n % 4})`) },
  {
    weight: 3,
    arbitrary: fc.tuple(row, fc.constantFrom("(i)", "(s)", "(i, p)", "(i, n)", "(i) where b", ""))
      .map((
        [values, target],
      ) => `insert into t (${columns}) values (${values}) on conflict ${target} do nothing`),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(int, int).map(([from, to]) =>
      `update t set i = ${to} where n = ${from - 4}`
    ),
  },
  { weight: 1, arbitrary: int.map((n) => `delete from t where i = ${n}`) },
  { weight: 1, arbitrary: int.map((n) => `delete from parent where k = ${n}`) },
  { weight: 1, arbitrary: int.map((n) => `insert into child values (${n})`) },
  { weight: 1, arbitrary: fc.constant("refresh materialized view concurrently m") },
);

/** Schemas of one table `t`, its referenced table and one that refers to it, with many kindred indexes. */
export const randomSchema: fc.Arbitrary<RandomSchema> = fc.record({
  partitioned: fc.nat(3).map((roll) => roll === 0),
  text: fc.constantFrom("text", "text", "varchar(10)", 'text collate "C"', "words"),
  number: fc.constantFrom("int8", "numeric", "int4"),
  notNull: fc.boolean(),
  references: fc.boolean(),
  specs,
  leaf: spec,
  mark: fc.constantFrom(
    "",
    "replica",
    "cluster",
    "constraint",
    "deferrable",
    "referenced",
    "attached",
  ),
  marked: fc.nat(9),
  rows: fc.array(row, { minLength: 80, maxLength: 80 }),
  queries: fc.array(query, { minLength: 12, maxLength: 12 }),
  writes: fc.array(write, { minLength: 25, maxLength: 25 }),
}).map((chosen) => {
  const indexes = chosen.specs.map((index, at) => definition(`x${at}`, "t", index));
  const at = `x${chosen.marked % chosen.specs.length}`;
  const marks: Record<string, string[]> = {
    replica: [
      `alter table t replica identity using index ${at}`,
      "create publication pub for table t",
    ],
    cluster: [`alter table t cluster on ${at}`],
    constraint: [`alter table t add constraint k unique using index ${at}`],
    deferrable: ["alter table t add constraint k unique (i, n, p) deferrable"],
    referenced: ["create unique index u1 on t (i)", "create unique index u2 on t (i)"],
    attached: [
      "create index only_parent on only t (i)",
      "create index on_leaf on t1 (i desc)",
      "alter index only_parent attach partition on_leaf",
      "create index on_leaf2 on t2 (i desc)",
      "alter index only_parent attach partition on_leaf2",
    ],
  };
  return {
    make: [
      "create domain words as text check (value <> 'forbidden')",
      "create table parent (k int primary key)",
      "insert into parent select g from generate_series(0, 7) as g",
      `create table t (
        i int ${chosen.references ? "references parent" : ""}, n ${chosen.number}, s ${chosen.text},
        d date, b bool, p int ${chosen.notNull ? "not null" : ""}, a int[], r int4range
      ) ${chosen.partitioned ? "partition by range (p)" : ""}`,
      ...(chosen.partitioned
        ? [
          "create table t1 partition of t for values from (0) to (5)",
          "create table t2 partition of t for values from (5) to (20)",
        ]
        : []),
    ],
    indexes: [
      ...indexes,
      ...(chosen.partitioned ? [definition("local", "t1", chosen.leaf)] : []),
      ...(marks[chosen.mark] ?? []),
      "create table child (i int references t (i))",
      "create materialized view m as select i, count(*) as n from t group by i",
      "create unique index m1 on m (i)",
      "create unique index m2 on m (i)",
    ],
    rows: chosen.rows.map((values) =>
      `insert into t (${columns}) values (${values}) on conflict do nothing`
    ),
    queries: chosen.queries,
    writes: chosen.writes,
  };
});
