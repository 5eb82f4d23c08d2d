import assert from "node:assert/strict";
import fc from "fast-check";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";

/** Runs of random histories; more with HOLDFAST_TEST_RUNS. */
const numRuns = Number(Deno.env.get("HOLDFAST_TEST_RUNS") ?? 10);

let guarded: Guarded;
Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

type Event =
  | { kind: "time"; hours: number }
  | {
    kind: "policy";
    interval: string;
    time_zone: string;
    premake: number;
    keepDays: number;
    action: "detach" | "drop";
    cooldownHours: number;
  }
  | { kind: "operator"; does: "drop" | "detach"; which: number }
  | { kind: "rotate"; endsAt: number };

const events: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("time" as const),
      hours: fc.integer({ min: 1, max: 400 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("policy" as const),
      interval: fc.constantFrom("6 hours", "1 day", "10 days", "week", "month"),
      time_zone: fc.constantFrom("UTC", "America/New_York", "Asia/Kathmandu"),
      premake: fc.integer({ min: 0, max: 4 }),
      keepDays: fc.integer({ min: 0, max: 40 }),
      action: fc.constantFrom("detach" as const, "drop" as const),
      cooldownHours: fc.integer({ min: 0, max: 100 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("operator" as const),
      does: fc.constantFrom("drop" as const, "detach" as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("rotate" as const),
      endsAt: fc.integer({ min: 0, max: 25 }),
    }),
  },
);

const start = Date.UTC(2026, 1, 20, 7);

async function operatorDoes(does: "drop" | "detach", which: number): Promise<void> {
  const names = Object.keys(await guarded.leaves("model.t"));
  const name = names[which % Math.max(1, names.length)];
  if (name === undefined) return;
  await guarded.sql.unsafe(
    does === "drop"
      ? `drop table model."${name}"`
      : `alter table model.t detach partition model."${name}"`,
  );
  // What is detached by hand and has rows keeps its name: the operator's to put away.
  if (does === "detach") await guarded.sql.unsafe(`drop table model."${name}"`);
}

Deno.test("whatever happened before, a rotation leaves the present covered, nothing half-made, nothing more to do", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(events, { minLength: 3, maxLength: 12 }), async (history) => {
      await guarded.sql.unsafe(`
        drop schema if exists model cascade;
        truncate holdfast.detached_partitions;
        create schema model;
        create table model.t (ts timestamptz not null, id int not null, primary key (ts, id)) partition by range (ts)`)
        .simple();
      await using guardian = guarded.at(new Date(start).toISOString());
      await guardian.put("model.t");
      for (const event of [...history, { kind: "rotate" as const, endsAt: 0 }]) {
        switch (event.kind) {
          case "time":
            guardian.clock.time = new Date(guardian.clock.time.getTime() + event.hours * 3_600_000);
            break;
          case "policy": {
            const { kind: _, keepDays, action, cooldownHours, ...rest } = event;
            const retention = keepDays === 0 ? null : { keep: `${keepDays} days`, action };
            await guardian.put("model.t", {
              ...rest,
              retention,
              cooldown: `${cooldownHours} hours`,
            });
            break;
          }
          case "operator":
            await operatorDoes(event.does, event.which);
            break;
          case "rotate": {
            if (event.endsAt > 0) {
              let [count, ended] = [0, false];
              await using broken = guarded.at(guardian.clock.time.toISOString(), {
                endsBefore: () => ended ||= ++count === event.endsAt,
              });
              const { errors } = await broken.rotation.rotate("model");
              assert.ok(ended || errors.length === 0, errors.join("; "));
              if (ended) break;
            }
            const result = await guardian.rotation.rotate("model");
            assert.deepEqual(result.errors, []);
            const { steps } = await guardian.rotation.plan("model.t");
            assert.deepEqual(
              steps.map(({ action, partition }) => `${action} ${partition.name}`),
              [],
            );
            await guarded.sql`insert into model.t values (${guardian.clock.time.toISOString()}, 1)
              on conflict do nothing`;
            const left = await guarded.sql`
              select 1 from pg_constraint where conname = 'holdfast_bound'
              union all select 1 from pg_inherits where inhdetachpending`;
            assert.equal(left.length, 0);
          }
        }
      }
    }),
    { numRuns, endOnFailure: true, interruptAfterTimeLimit: 150_000 },
  );
});
