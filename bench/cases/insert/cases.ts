import { CopyEncoder } from "../../../db/copy.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import type { BenchTick } from "../ticks.ts";
import { type ArmTicks, createArmTicks, firstProblem, verifyTable } from "./arm_ticks.ts";
import { copyBinary, insertArrays, insertValues } from "./methods.ts";
import {
  bare,
  createTable,
  dropTables,
  layoutOf,
  naive,
  optimised,
  type TableDesign,
} from "./tables.ts";

const batchRows = 1_000;

interface Feeds {
  baseline: ArmTicks;
  candidate: ArmTicks;
}

interface InsertArm {
  name: string;
  design: TableDesign;
  insert(ctx: BenchmarkContext, table: string, ticks: BenchTick[]): Promise<void>;
}

/** Creates a comparison of two ways to store the same ticks. Each arm has a table and a copy of the ticks. */
function insertCase(
  { id, baseline, candidate, ...about }: {
    id: string;
    title: string;
    counts: boolean;
    baseline: InsertArm;
    candidate: InsertArm;
  },
): BenchmarkCase<Feeds> {
  const tables = { baseline: `${id}_baseline`, candidate: `${id}_candidate` };
  const arm = (role: keyof Feeds, { name, insert }: InsertArm): Arm<Feeds> => ({
    name,
    writes: [tables[role]],
    async run(ctx, feeds) {
      const ticks = feeds[role].next(batchRows); // created outside the timed part
      const started = ctx.now();
      await insert(ctx, tables[role], ticks);
      return { units: batchRows, elapsedMs: ctx.now() - started };
    },
  });
  return {
    id,
    ...about,
    category: "insert_performance",
    unit: "rows/s",
    target: defaultTargets.insert_performance,
    arms: { baseline: arm("baseline", baseline), candidate: arm("candidate", candidate) },
    async setup(ctx) {
      await createTable(ctx, tables.baseline, baseline.design);
      await createTable(ctx, tables.candidate, candidate.design);
      return { baseline: createArmTicks(ctx.seed), candidate: createArmTicks(ctx.seed) };
    },
    verify: async (ctx, feeds, claims) =>
      firstProblem([
        await verifyTable(ctx, tables.baseline, claims.baseline, feeds.baseline),
        await verifyTable(ctx, tables.candidate, claims.candidate, feeds.candidate),
      ]),
    teardown: (ctx) => dropTables(ctx, Object.values(tables)),
  };
}

/** Creates an arm for a design, with the same multi-row insert for every design. */
const designArm = (name: string, design: TableDesign): InsertArm => ({
  name,
  design,
  insert: (ctx, table, ticks) => insertArrays(ctx, table, layoutOf(design), ticks),
});

const naiveArm = designArm(
  "numeric, one heap with a surrogate key, btrees (ts) and (symbol, ts)",
  naive,
);
const optimisedArm = designArm(
  "float8, daily partitions, btree (instrument, ts) and BRIN (ts)",
  optimised,
);

const insertSchema = insertCase({
  id: "insert_schema",
  title:
    "Tables that answer the same questions: naive and optimised, filled by the same multi-row insert",
  counts: true,
  baseline: naiveArm,
  candidate: optimisedArm,
});

/** The contribution of each change of `insert_schema`: the naive table with only that change. */
const contributions = ([
  ["insert_float8", "float8 instead of numeric", { number: "float8" }],
  ["insert_no_surrogate", "no surrogate key", { surrogate: false }],
  ["insert_instrument", "an instrument's number instead of its symbol", { key: "int4" }],
  ["insert_brin", "BRIN (ts) instead of btree (ts)", { timeIndex: "brin" }],
  ["insert_partitions", "daily partitions instead of one heap", { partitioned: true }],
] as const).map(([id, change, changes]) =>
  insertCase({
    id,
    title: `One change of insert_schema alone: ${change}`,
    counts: false,
    baseline: { ...naiveArm, name: "the naive table" },
    candidate: designArm(`the naive table with ${change}`, { ...naive, ...changes }),
  })
);

const insertSchemaBare = insertCase({
  id: "insert_schema_bare",
  title: "The same against the barest naive table: no key, single-column indexes only",
  counts: false, // that table must read all ticks of a symbol to find the latest
  baseline: designArm("numeric, one heap, btrees (ts) and (symbol)", bare),
  candidate: optimisedArm,
});

const encoder = new CopyEncoder();
const layout = layoutOf(optimised);

const methods = ([
  ["insert_method", "multi-VALUES insert", "insert … values, 1,000 rows", insertValues],
  ["insert_method_arrays", "insert from arrays", "insert … unnest, 1,000 rows", insertArrays],
] as const).map(([id, what, name, insert]) =>
  insertCase({
    id,
    title: `Method by method: ${what} and binary COPY into the same optimised table`,
    counts: false, // compares methods, not layouts
    baseline: {
      name,
      design: optimised,
      insert: (ctx, table, ticks) => insert(ctx, table, layout, ticks),
    },
    candidate: {
      name: "binary COPY, 1,000 rows",
      design: optimised,
      insert: (ctx, table, ticks) => copyBinary(ctx, table, encoder, ticks),
    },
  })
);

export const insertCases: readonly BenchmarkCase[] = [
  insertSchema,
  ...contributions,
  insertSchemaBare,
  ...methods,
];
