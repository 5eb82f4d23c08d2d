import assert from "node:assert/strict";
import {
  publicReport,
  reportTable,
  type TableReading,
} from "../../services/partitions/report/report.ts";
import { partitionValues } from "../../services/partitions/report/metrics.ts";
import type { LeafFacts, TableFacts } from "../../services/partitions/planning/facts.ts";

const now = Date.parse("2026-03-15T12:00:00Z");

const leaf = (oid: number, bound: string | null): LeafFacts => ({
  oid,
  schema: "s",
  name: `l${oid}`,
  bound,
  pending: false,
  partitioned: false,
  subs: 0,
  rows_estimate: 1,
  bytes: 8_192,
  options: [],
  unlogged: false,
});

const leaves = [
  leaf(1, "FOR VALUES FROM ('2026-03-15 00:00:00+00') TO ('2026-03-16 00:00:00+00')"),
  leaf(2, "DEFAULT"),
];

/** A table in trouble of every kind that Holdfast keeps on record. */
function readingOf(some: Partial<TableFacts>): TableReading {
  return {
    facts: {
      policy: {
        schema: "s",
        table: "t",
        interval: "1 day",
        time_zone: "UTC",
        key: "timestamptz",
        premake: 0,
        retention: { keep: "1 year", action: "drop" },
        cooldown: "7 days",
        seal: false,
        enabled: true,
        windows: null,
        sub_interval: null,
      },
      parent: undefined,
      problem: undefined,
      leaves,
      detached: [],
      taken: new Map(),
      blockers: new Map(),
      defaultRows: new Map(),
      drainFailure: { reason: "42501: no", at: "2026-03-15T00:00:00Z", signature: "" },
      sealed: new Map([
        [1, { sealedAt: "2026-03-01T00:00:00Z", heldUntil: null, problem: "a row is missing" }],
        [9, { sealedAt: "2026-03-01T00:00:00Z", heldUntil: null, problem: "another table's" }],
      ]),
      highestId: null,
      ...some,
    },
    lastRotationAt: null,
    defaultRows: some.leaves?.some(({ bound }) => bound === "DEFAULT") === false ? 0 : 7,
    positions: [],
    detachedSizes: new Map(),
    holds: [
      { schema: "s", table: "t", kind: "brake", partition: "", partitions: 3, reason: "too many" },
      { schema: "s", table: "t", kind: "leaf", partition: "s.l1", partitions: 1, reason: "odd" },
    ],
  };
}

const report = (some: Partial<TableFacts>) => reportTable(readingOf(some), now * 1_000, 7);

function values(some: Partial<TableFacts>) {
  const found = partitionValues({
    tables: [report(some)],
    tablesFresh: true,
    unreachable: undefined,
  });
  return Object.fromEntries(
    found.map(({ metric, value }) => [metric.replace("partition_", ""), value]),
  );
}

const whole = {
  runway_seconds: 100 * 365.25 * 86_400,
  cover_seconds: 12 * 3_600,
  holes: 0,
  default_rows: 7,
  drain_failed: 1,
  sealed_changed: 1,
  retention_held: 3,
  leaves_refused: 1,
};
/** Holdfast's own records are true whether the table can be read or not. */
const onRecord = { drain_failed: 1, sealed_changed: 1, retention_held: 3, leaves_refused: 1 };
const unknown = { runway_seconds: null, cover_seconds: null, holes: null, default_rows: null };

Deno.test("a table that cannot be read resolves none of its alerts: what is on record stays, the rest is unknown", () => {
  assert.deepEqual(values({}), whole);
  const problem = "its key is no column any more";
  const unread = { ...unknown, ...onRecord };
  assert.deepEqual(values({ problem }), unread);
  assert.deepEqual(values({ problem, leaves: [] }), { ...unread, sealed_changed: null });
  assert.deepEqual(report({ problem }).problems.slice(0, 2), [
    problem,
    "the default partition could not be drained: 42501: no",
  ]);
  assert.ok(!("unread" in publicReport(report({ problem }))));
});

Deno.test("while a leaf is locked, whether there is a default and what it holds is unknown, not absent", () => {
  const [first, last] = leaves as [LeafFacts, LeafFacts];
  const locked = { ...last, bound: null };
  assert.deepEqual(values({ leaves: [first, locked] }), { ...unknown, ...onRecord });
  // A default that is known is read whatever else is locked.
  assert.deepEqual(values({ leaves: [{ ...first, bound: null }, last] }), {
    ...unknown,
    ...onRecord,
    default_rows: 7,
  });
  const { cover_seconds, ...without } = values({ leaves: [first] });
  assert.deepEqual([cover_seconds, without.default_rows], [undefined, 0]);
});
