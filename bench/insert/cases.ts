import { CopyEncoder } from "../../db/copy.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../services/benchmarks/case.ts";
import { defaultTargets } from "../../services/benchmarks/categories.ts";
import type { BenchTick } from "../ticks.ts";
import { createFeed, type Feed, firstProblem, verifyTable } from "./feed.ts";
import { copyBinary, insertArrays, insertValues, naiveLayout, optimisedLayout } from "./methods.ts";
import { createBare, createNaive, createOptimised, dropTables } from "./tables.ts";

const batchRows = 1_000;

interface Feeds {
  baseline: Feed;
  candidate: Feed;
}

interface InsertArm {
  name: string;
  create(ctx: BenchmarkContext, table: string): Promise<void>;
  insert(ctx: BenchmarkContext, table: string, ticks: BenchTick[]): Promise<void>;
}

/** A comparison of two ways to store the same ticks: each arm has its own table and its own copy of the feed. */
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
      const ticks = feeds[role].next(batchRows); // made off the clock
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
      await baseline.create(ctx, tables.baseline);
      await candidate.create(ctx, tables.candidate);
      return { baseline: createFeed(ctx.seed), candidate: createFeed(ctx.seed) };
    },
    verify: async (ctx, feeds, claims) =>
      firstProblem([
        await verifyTable(ctx, tables.baseline, claims.baseline, feeds.baseline),
        await verifyTable(ctx, tables.candidate, claims.candidate, feeds.candidate),
      ]),
    teardown: (ctx) => dropTables(ctx, Object.values(tables)),
  };
}

const optimised: InsertArm = {
  name: "float8, daily partitions, btree (instrument, ts) and BRIN (ts)",
  create: createOptimised,
  insert: (ctx, table, ticks) => insertArrays(ctx, table, optimisedLayout, ticks),
};

const insertSchema = insertCase({
  id: "insert_schema",
  title:
    "Tables that answer the same questions: naive and optimised, filled by the same multi-row insert",
  counts: true,
  baseline: {
    name: "numeric, one heap with a surrogate key, btrees (ts) and (symbol, ts)",
    create: createNaive,
    insert: (ctx, table, ticks) => insertArrays(ctx, table, naiveLayout, ticks),
  },
  candidate: optimised,
});

const insertSchemaBare = insertCase({
  id: "insert_schema_bare",
  title: "The same against the barest naive table: no key, single-column indexes only",
  counts: false, // that table cannot answer "latest of a symbol" without reading all its ticks
  baseline: {
    name: "numeric, one heap, btrees (ts) and (symbol)",
    create: createBare,
    insert: (ctx, table, ticks) => insertArrays(ctx, table, naiveLayout, ticks),
  },
  candidate: optimised,
});

const encoder = new CopyEncoder();

const insertMethod = insertCase({
  id: "insert_method",
  title: "Multi-VALUES insert and binary COPY into the same optimised table",
  counts: false, // another question than the layout's, answered beside it
  baseline: {
    ...optimised,
    name: "insert … values, 1,000 rows",
    insert: (ctx, table, ticks) => insertValues(ctx, table, optimisedLayout, ticks),
  },
  candidate: {
    ...optimised,
    name: "binary COPY, 1,000 rows",
    insert: (ctx, table, ticks) => copyBinary(ctx, table, encoder, ticks),
  },
});

export const insertCases: readonly BenchmarkCase[] = [insertSchema, insertSchemaBare, insertMethod];
