import assert from "node:assert/strict";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";

const day = 86_400_000;
const start = Date.parse("2026-03-15T12:00:00Z");
const slow = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1";

let guarded: Guarded;
Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

const isoOf = (ms: number) => new Date(ms).toISOString();

/** A table of `kept` leaves of a day each that are kept, and one leaf with rows that has expired. */
async function setUp(name: string, kept: number, filledDaysBack: readonly number[]) {
  const midnight = isoOf(start - start % day);
  await guarded.sql.unsafe(`
    create schema ${name};
    create table ${name}.t (ts timestamptz not null) partition by range (ts)`).simple();
  // In parts: one transaction has so many locks.
  for (let from = 0; from <= kept; from += 500) {
    await guarded.sql.unsafe(`
      do $$ begin
        for back in ${from}..${Math.min(kept, from + 499)} loop
          execute format('create table ${name}.d%s partition of ${name}.t for values from (%L) to (%L)', back,
            timestamptz '${midnight}' - back * interval '1 day', timestamptz '${midnight}' - (back - 1) * interval '1 day');
        end loop;
      end $$`).simple();
  }
  for (const back of [kept, ...filledDaysBack]) {
    await guarded.sql.unsafe(
      `insert into ${name}.t values (timestamptz '${midnight}' - ${back} * interval '1 day')`,
    );
  }
}

for (const kept of slow ? [250, 2_000] : [250]) {
  Deno.test(`of a table with ${kept} kept leaves, what is due is detached, wherever its newest row is`, async () => {
    for (const [name, filled] of [["near", [1]], ["far", [kept - 10]]] as const) {
      const schema = `${name}_${kept}`;
      await setUp(schema, kept, filled);
      await using guardian = guarded.at(isoOf(start), { restraint: {} });
      const policy = { keep: `${kept - 1} days`, action: "detach" as const };
      await guardian.put(`${schema}.t`, { retention: policy });
      const { detached, errors } = await guardian.rotation.rotate("test");
      assert.deepEqual([detached, errors], [[`d${kept}`], []]);
      await guardian.policies.remove(`${schema}.t`);
    }
  });

  Deno.test(`of a table with ${kept} kept leaves without a row, the newest rows stay`, async () => {
    const schema = `empty_${kept}`;
    await setUp(schema, kept, []);
    await using guardian = guarded.at(isoOf(start), { restraint: {} });
    const policy = { keep: `${kept - 1} days`, action: "detach" as const };
    await guardian.put(`${schema}.t`, { retention: policy });
    assert.deepEqual((await guardian.rotation.rotate("test")).detached, []);
    const holds = await guarded.sql`
      select kind, reason from holdfast.retention_holds where schema_name = ${schema}`;
    assert.match(holds[0]?.reason ?? "", /newest rows/);
    await guardian.policies.remove(`${schema}.t`);
  });
}
