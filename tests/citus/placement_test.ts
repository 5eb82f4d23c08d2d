import assert from "node:assert/strict";
import fc from "fast-check";
import { candleGuards } from "../../db/citus/distribution.ts";
import {
  type Heap,
  type Placed,
  type PlacementFacts,
  type PlacementPlan,
  type PlacementStatement,
  planDistribution,
  planReturn,
} from "../../services/citus/placement.ts";

const guards = Object.keys(candleGuards);
const group = 7;

const heapOf = (table: string, localRows: boolean, filled: boolean | null): Heap => ({
  schema: "market",
  table,
  localRows,
  filled,
});

const placed = (table: string, column: string | null, heaps: readonly Heap[]): Placed => ({
  schema: "market",
  table,
  column,
  colocation: column === null ? null : group,
  triggers: [],
  foreignKeys: [],
  heaps,
  sealed: [],
});

/** What a server does at a statement. Throws where it loses rows, or where Citus refuses. */
function carryOut(facts: PlacementFacts, { action, on }: PlacementStatement): PlacementFacts {
  const change = (
    table: Placed | undefined,
    to: (table: Placed) => Placed,
  ): Placed | undefined => table && to(table);
  const own = (table: Placed) => table.table === on.table;
  const both = (to: (table: Placed) => Placed): PlacementFacts => ({
    ...facts,
    ticks: change(facts.ticks, to),
    candles: change(facts.candles, to),
  });
  switch (action) {
    case "distribute":
      return both((table) => {
        if (!own(table)) return table;
        assert.equal(table.column, null, "distributed twice");
        assert.deepEqual(table.triggers, [], "Citus allows no triggers");
        assert.deepEqual(table.foreignKeys, []);
        const heaps = table.heaps.map((heap) => ({ ...heap, filled: true }));
        // Candles are distributed with colocate_with: they are where the ticks are.
        const colocation = table.table === "candles_1m" ? facts.ticks?.colocation ?? group : group;
        return { ...table, column: "instrument_id", colocation, heaps };
      });
    case "truncate_local":
      return both((table) => ({
        ...table,
        heaps: table.heaps.map((heap) => {
          if (heap.table !== on.table) return heap;
          assert.notEqual(table.column, null, "the only copy would be truncated");
          assert.equal(heap.filled, true, "the shards were not filled before");
          return { ...heap, localRows: false };
        }),
      }));
    case "undistribute":
      return both((table) => {
        if (!own(table)) return table;
        assert.notEqual(table.column, null, "undistributed twice");
        const heaps = table.heaps.map((heap) => {
          assert.ok(
            !heap.localRows || heap.filled === true,
            "a copy is dropped that may be the only one",
          );
          return { ...heap, localRows: heap.filled === true, filled: null };
        });
        return { ...table, column: null, colocation: null, heaps };
      });
    case "drop_guard":
    case "create_guard":
      return {
        ...facts,
        candles: change(facts.candles, (table) => {
          const has = table.triggers.includes(on.table);
          assert.equal(has, action === "drop_guard");
          assert.equal(table.column, null);
          const triggers = has
            ? table.triggers.filter((name) => name !== on.table)
            : [...table.triggers, on.table];
          return { ...table, triggers };
        }),
      };
  }
}

const carryOutAll = (facts: PlacementFacts, { statements }: PlacementPlan): PlacementFacts =>
  statements.reduce(carryOut, facts);

const anyHeaps = (name: string, partitioned: boolean) =>
  fc.array(fc.tuple(fc.boolean(), fc.constantFrom(true, false, null)), {
    minLength: partitioned ? 0 : 1,
    maxLength: partitioned ? 4 : 1,
  }).map((all) =>
    all.map(([localRows, filled], at) =>
      heapOf(partitioned ? `${name}_p${at}` : name, localRows, filled)
    )
  );

const anyPlaced = (name: string, partitioned: boolean, triggers: readonly string[]) =>
  fc.record({
    schema: fc.constant("market"),
    table: fc.constant(name),
    column: fc.constantFrom(null, null, "instrument_id", "ts", ""),
    colocation: fc.constantFrom(group, group, 8),
    triggers: fc.subarray([...triggers]),
    foreignKeys: fc.constantFrom<string[]>([], [], ["a_key"]),
    heaps: anyHeaps(name, partitioned),
    sealed: fc.constantFrom<string[]>([], [], ["market.ticks_p0"]),
  }).map((table): Placed => ({
    ...table,
    colocation: table.column === null ? null : table.colocation,
    // Citus allows none on a distributed table.
    triggers: table.column === null ? table.triggers : [],
  }));

const anyFacts: fc.Arbitrary<PlacementFacts> = fc.record({
  ticks: fc.option(anyPlaced("ticks", true, ["a_trigger"]), { nil: undefined, freq: 20 }),
  candles: fc.option(anyPlaced("candles_1m", false, [...guards, "a_trigger"]), {
    nil: undefined,
    freq: 20,
  }),
  misplaced: fc.constantFrom<string[]>([], [], ["market.instruments"]),
});

Deno.test("whatever the catalogue, nothing is truncated or dropped before the shards have its rows", () => {
  fc.assert(
    fc.property(anyFacts, fc.boolean(), (facts, back) => {
      const plan = back ? planReturn(facts) : planDistribution(facts);
      carryOutAll(facts, plan);
      if (plan.refused.length > 0) assert.deepEqual(plan.statements, []);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("whatever the catalogue, nothing is planned twice, and nothing once it is done", () => {
  fc.assert(
    fc.property(anyFacts, fc.boolean(), (facts, back) => {
      const planner = back ? planReturn : planDistribution;
      const plan = planner(facts);
      const texts = plan.statements.map(({ sql }) => sql);
      assert.equal(new Set(texts).size, texts.length);
      assert.deepEqual(planner(carryOutAll(facts, plan)).statements, []);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a plan that was interrupted anywhere is continued by the next one", () => {
  fc.assert(
    fc.property(anyFacts, fc.nat(8), (facts, done) => {
      const plan = planDistribution(facts);
      const half = plan.statements.slice(0, done).reduce(carryOut, facts);
      if (plan.refused.length > 0) return;
      assert.deepEqual(
        planDistribution(half).statements.map(({ sql }) => sql),
        plan.statements.slice(done).map(({ sql }) => sql),
      );
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("the way back after the way there leaves everything as it was", () => {
  const local = anyFacts.filter(({ ticks, candles }) =>
    ticks?.column === null && candles?.column === null &&
    guards.every((name) => candles.triggers.includes(name))
  );
  const known = (facts: PlacementFacts) => ({
    ticks: { ...facts.ticks, heaps: facts.ticks?.heaps.map(({ table }) => table) },
    candles: {
      ...facts.candles,
      heaps: facts.candles?.heaps.map(({ table }) => table),
      triggers: [...facts.candles?.triggers ?? []].sort(),
    },
    misplaced: facts.misplaced,
  });
  fc.assert(fc.property(local, (facts) => {
    const there = carryOutAll(facts, planDistribution(facts));
    assert.deepEqual(known(carryOutAll(there, planReturn(there))), known(facts));
  }));
});

Deno.test("the statements, their order and their locks", () => {
  const facts: PlacementFacts = {
    ticks: placed("ticks", null, [
      heapOf("ticks_p20260101", true, null),
      heapOf("ticks_p20260102", false, null),
    ]),
    candles: {
      ...placed("candles_1m", null, [heapOf("candles_1m", true, null)]),
      triggers: guards,
    },
    misplaced: [],
  };
  const { statements, refused } = planDistribution(facts);
  assert.deepEqual(refused, []);
  assert.deepEqual(statements.map(({ sql }) => sql), [
    `select create_distributed_table('"market"."ticks"', 'instrument_id', colocate_with => 'none')`,
    `select truncate_local_data_after_distributing_table('"market"."ticks_p20260101"')`,
    `drop trigger "candles_1m_reference_insert" on "market"."candles_1m"`,
    `drop trigger "candles_1m_reference_update" on "market"."candles_1m"`,
    `select create_distributed_table('"market"."candles_1m"', 'instrument_id', colocate_with => '"market"."ticks"')`,
    `select truncate_local_data_after_distributing_table('"market"."candles_1m"')`,
  ]);
  assert.ok(statements.every(({ lock }) => /EXCLUSIVE/.test(lock)));
  const back = planReturn(carryOutAll(facts, { statements, refused, skipped: [] }));
  assert.deepEqual(back.statements.slice(0, 2).map(({ sql }) => sql), [
    `select undistribute_table('"market"."candles_1m"')`,
    `select undistribute_table('"market"."ticks"')`,
  ]);
});
