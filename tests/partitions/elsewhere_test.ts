import assert from "node:assert/strict";
import fc from "fast-check";
import { codeOf } from "../../db/errors.ts";
import type { StorageRow } from "../../db/partitions/catalogue/storage.ts";
import { createLogger } from "../../log.ts";
import { createRemoval } from "../../services/partitions/execution/removal.ts";
import { contradicts, oddityOf } from "../../services/partitions/sealing/ordinary.ts";
import { verifySealed } from "../../services/partitions/sealing/verify.ts";
import { type Guarded, type Guardian, startGuarded } from "../helpers/guardian.ts";

/** Leaves whose rows are elsewhere, or are said to be: none of them is ever dropped. */
let guarded: Guarded;
let archiveDir: string;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({ allow_system_table_mods: "on" });
  archiveDir = await Deno.makeTempDir({ prefix: "holdfast-archive-" });
  // What Citus has in its catalogue, as far as it matters here.
  await guarded.sql.unsafe(`
    create table pg_catalog.pg_dist_partition (logicalrelid regclass primary key);
    create schema far;
    create extension postgres_fdw;
    create server other foreign data wrapper postgres_fdw
      options (host '${guarded.server.target.directory}', dbname 'postgres');
    create user mapping for postgres server other options (user 'postgres')`).simple();
});
Deno.test.afterAll(async () => {
  await guarded.stop();
  await Deno.remove(archiveDir, { recursive: true });
});

const archiving = {
  retention: { keep: "30 days", action: "archive-then-drop" as const },
  cooldown: "0",
  premake: 0,
};

/** A table with an old leaf to be given up and one to be kept. */
async function setUp(name: string, old: string): Promise<void> {
  await guarded.sql.unsafe(`
    create schema ${name};
    create table ${name}.t (ts timestamptz not null, n int) partition by range (ts);
    ${old};
    create table ${name}.kept partition of ${name}.t for values from ('2026-03-01') to ('2026-03-16');
    insert into ${name}.kept values ('2026-03-15', 1)`).simple();
}

const fill = (table: string, rows = 300) =>
  guarded.sql.unsafe(`
    insert into ${table} select timestamptz '2026-01-01' + g * interval '1 minute', g
    from generate_series(1, ${rows}) as g`);

const plainLeaf = (name: string) =>
  `create table ${name}.old partition of ${name}.t for values from ('2026-01-01') to ('2026-02-01')`;

const count = async (table: string) =>
  Number((await guarded.sql.unsafe(`select count(*) as n from ${table}`))[0]?.n);

const holds = async (table: string) =>
  await guarded.sql<{ kind: string; reason: string; partition_name: string }[]>`
    select kind, reason, partition_name from holdfast.retention_holds
    where schema_name || '.' || table_name = ${table}`;

async function rotateTwice(guardian: Guardian): Promise<void> {
  await guardian.rotation.rotate("test");
  await guardian.rotation.rotate("test");
}

Deno.test("a leaf that is partitioned itself is not detached to be archived; one to be dropped is dropped whole", async () => {
  await using guardian = guarded.at(now, { archiveDir });
  for (const action of ["archive-then-drop", "drop"] as const) {
    const name = `sub_${action.replaceAll("-", "_")}`;
    await setUp(
      name,
      `create table ${name}.old partition of ${name}.t for values from ('2026-01-01') to ('2026-02-01')
        partition by range (n);
      create table ${name}.below partition of ${name}.old default`,
    );
    await fill(`${name}.t`);
    await guardian.put(`${name}.t`, { ...archiving, retention: { keep: "30 days", action } });
    await rotateTwice(guardian);
    const [row] = await guarded.sql`
      select count(*)::int as n from pg_inherits where inhparent = ${`${name}.t`}::text::regclass`;
    if (action === "drop") {
      assert.equal(row?.n, 1);
      continue;
    }
    assert.equal(row?.n, 2, "it stays attached");
    assert.equal(await count(`${name}.t`), 301);
    assert.match(
      (await holds(`${name}.t`))[0]?.reason ?? "",
      /not archived: it is partitioned itself/,
    );
  }
});

Deno.test("a foreign leaf is not detached to be archived or dropped; a mere detach may take it", async () => {
  await using guardian = guarded.at(now, { archiveDir });
  for (const action of ["archive-then-drop", "drop", "detach"] as const) {
    const name = `foreign_${action.replaceAll("-", "_")}`;
    await guarded.sql.unsafe(`create table far.${name} (ts timestamptz not null, n int)`);
    await fill(`far.${name}`);
    await setUp(
      name,
      `create foreign table ${name}.old partition of ${name}.t
        for values from ('2026-01-01') to ('2026-02-01') server other
        options (schema_name 'far', table_name '${name}')`,
    );
    await guardian.put(`${name}.t`, { ...archiving, retention: { keep: "30 days", action } });
    await rotateTwice(guardian);
    const [held] = await holds(`${name}.t`);
    if (action === "detach") {
      assert.equal(await count(`${name}.t`), 1);
      assert.equal(held, undefined);
    } else {
      assert.equal(await count(`${name}.t`), 301, "its rows are still the table's");
      assert.deepEqual([held?.kind, held?.partition_name], ["leaf", `${name}.old`]);
      assert.match(held?.reason ?? "", /is a foreign table: its rows are on another server/);
      const [logged] = await guarded.sql`
        select error from holdfast.maintenance_log where table_name = ${`${name}.t`} and action = 'hold'`;
      assert.equal(logged?.error, held?.reason);
    }
    assert.equal(await count(`far.${name}`), 300);
  }
});

Deno.test("a partitioned leaf with a foreign partition, and a table others inherit from, are not dropped", async () => {
  await using guardian = guarded.at(now, { archiveDir });
  await guarded.sql.unsafe(`create table far.half (ts timestamptz not null, n int)`);
  await fill("far.half");
  await setUp(
    "nested",
    `create table nested.old partition of nested.t for values from ('2026-01-01') to ('2026-02-01')
      partition by range (ts);
    create foreign table nested.half partition of nested.old for values from ('2026-01-01') to ('2026-01-15')
      server other options (schema_name 'far', table_name 'half')`,
  );
  await guardian.put("nested.t", { ...archiving, retention: { keep: "30 days", action: "drop" } });
  await rotateTwice(guardian);
  assert.equal(await count("nested.t"), 301);
  assert.match(
    (await holds("nested.t"))[0]?.reason ?? "",
    /has nested\.half below it, which is a foreign/,
  );

  // A partition takes no children; once it is detached somebody may give it some.
  await setUp("parental", plainLeaf("parental"));
  await fill("parental.old");
  await guardian.put("parental.t", {
    ...archiving,
    cooldown: "1 day",
    retention: { keep: "30 days", action: "drop" },
  });
  await guardian.rotation.rotate("test");
  await guarded.sql.unsafe(`
    create table parental.child () inherits (parental.old);
    insert into parental.child values ('2026-01-02', 2)`).simple();
  guardian.clock.time = new Date("2026-03-17T12:00:00Z");
  await rotateTwice(guardian);
  assert.equal(await count("parental.old"), 301);
  assert.match((await holds("parental.t"))[0]?.reason ?? "", /parental\.child inherits from it/);
});

Deno.test("an empty shell whose rows are on other nodes is neither sealed, archived nor dropped", async () => {
  await using guardian = guarded.at(now, { archiveDir });
  await setUp("shell", plainLeaf("shell"));
  await guarded.sql`insert into pg_catalog.pg_dist_partition values ('shell.old'::regclass)`;
  await guardian.put("shell.t", { ...archiving, seal: true });
  await rotateTwice(guardian);
  assert.equal(Object.keys(await guarded.leaves("shell.t")).length >= 2, true);
  assert.ok("old" in await guarded.leaves("shell.t"), "it is still a partition");
  assert.match((await holds("shell.t"))[0]?.reason ?? "", /distributed by Citus/);
  const [sealed] = await guarded.sql`
    select 1 from holdfast.sealed_partitions where leaf_name = 'old' and leaf_schema = 'shell'`;
  assert.equal(sealed, undefined);

  // Detached and sealed while it was still a plain table; distributed since: the drop's own proof refuses.
  for (const action of ["drop", "archive-then-drop"] as const) {
    const name = `late_${action.slice(0, 4)}`;
    await setUp(name, plainLeaf(name));
    await fill(`${name}.old`);
    await guardian.put(`${name}.t`, {
      ...archiving,
      cooldown: "1 day",
      retention: { keep: "30 days", action },
    });
    guardian.clock.time = new Date(now);
    await guardian.rotation.rotate("test");
    assert.ok(!("old" in await guarded.leaves(`${name}.t`)));
    const plan = await (async () => {
      guardian.clock.time = new Date("2026-03-17T12:00:00Z");
      return await guardian.rotation.plan(`${name}.t`);
    })();
    assert.ok(plan.steps.some((step) => step.action === "drop"), "it would be dropped");
    await guarded.sql.unsafe(
      `insert into pg_catalog.pg_dist_partition values ('${name}.old'::regclass)`,
    );
    await rotateTwice(guardian);
    assert.equal(await count(`${name}.old`), 300);
    assert.match((await holds(`${name}.t`)).map(({ reason }) => reason).join(), /distributed/);
  }
  // Verifying does not call a shell intact.
  const [verdict] = await guardian.pool.run((sql) => verifySealed(sql, { table: "late_arch.t" }));
  assert.equal(verdict?.status, "unreadable");
  assert.match(verdict?.problems[0] ?? "", /distributed by Citus/);
});

Deno.test("a seal or a receipt of 0 rows, made elsewhere, drops no table that has rows", async () => {
  await using guardian = guarded.at(now, { archiveDir });
  await setUp("hollow", plainLeaf("hollow"));
  await guardian.put("hollow.t", { ...archiving, cooldown: "1 day" });
  await guardian.rotation.rotate("test");
  const [archive] = await guarded.sql`
    select rows from holdfast.partition_archives where leaf_schema = 'hollow'`;
  assert.equal(Number(archive?.rows), 0, "an empty leaf is archived as one");
  // As if the hash had been of a shell: the rows appear without a trigger having seen them.
  await guarded.sql.unsafe(`
    alter table hollow.old disable trigger user;
    insert into hollow.old select '2026-01-05', g from generate_series(1, 10000) as g;
    alter table hollow.old enable always trigger holdfast_sealed;
    alter table hollow.old enable always trigger holdfast_sealed_truncate`).simple();
  guardian.clock.time = new Date("2026-03-17T12:00:00Z");
  const { errors } = await guardian.rotation.rotate("test");
  assert.equal(await count("hollow.old"), 10_000);
  assert.match(errors.join(), /is not dropped/);
  assert.match((await holds("hollow.t"))[0]?.reason ?? "", /is not dropped/);
});

Deno.test("a change between the proof and the lock stops the drop", async () => {
  await setUp("between", plainLeaf("between"));
  await fill("between.old");
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("between.t", { ...archiving, cooldown: "1 day" });
  await guardian.rotation.rotate("test");
  // Under the lock of the drop, the triggers have been taken off and put back.
  let done = false;
  const options = { archiveDir, pause: async () => {} };
  await using late = guarded.at("2026-03-17T12:00:00Z", options);
  const blocker = await guarded.sql.reserve();
  await blocker`begin`;
  await blocker`lock table between.old in row exclusive mode`;
  const rotating = late.rotation.rotate("test").finally(() => done = true);
  // The proof has only read; its drop waits for this lock. What is written now was not in the proof.
  while (!done) {
    const [waiting] = await guarded.sql`
      select 1 from pg_locks where relation = 'between.old'::regclass and not granted`;
    if (waiting) break;
    await new Promise((next) => setTimeout(next, 5));
  }
  await blocker`drop trigger holdfast_sealed on between.old`.catch(() => {});
  await blocker`insert into between.old values ('2026-01-09', 9)`.catch(() => {});
  await blocker`commit`;
  blocker.release();
  await rotating;
  assert.equal(await count("between.old"), 301);
});

Deno.test("statistics that lie are made true once, and only then refuse", async () => {
  await using guardian = guarded.at(now, { archiveDir });
  await setUp("stale", plainLeaf("stale"));
  await fill("stale.old");
  await guardian.put("stale.t", archiving);
  await guarded.sql`vacuum (analyze) stale.old`;
  await guarded
    .sql`update pg_class set reltuples = 5000000, relpages = 100000 where oid = 'stale.old'::regclass`;
  const { errors } = await guardian.rotation.rotate("test");
  assert.deepEqual(errors, []);
  const [gone] = await guarded.sql`select to_regclass('stale.old') is null as gone`;
  assert.equal(gone?.gone, true, "honest rows under a stale estimate are archived and dropped");
  const [archive] = await guarded.sql`
    select rows from holdfast.partition_archives where leaf_schema = 'stale'`;
  assert.equal(Number(archive?.rows), 300);
});

const kinds = fc.constantFrom("r", "p", "f", "v", "m");
const rowArb = (oid: number): fc.Arbitrary<StorageRow> =>
  fc.record({
    leaf: fc.constant(1),
    oid: fc.constant(oid),
    schema: fc.constant("s"),
    name: fc.constant(`t${oid}`),
    kind: kinds,
    distributed: fc.boolean(),
  });

Deno.test("whatever a family of tables is made of, only plain tables of this node pass", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 5 }).chain((below) =>
      fc.tuple(...Array.from({ length: below + 1 }, (_, at) => rowArb(at + 1)))
    ),
    (family) => {
      const [own] = family;
      const plain = family.every(({ kind, distributed }) =>
        !distributed && (kind === "r" || kind === "p")
      );
      if (oddityOf(1, family, "table") === undefined) {
        assert.ok(plain && own?.kind === "r" && family.length === 1);
      }
      if (oddityOf(1, family, "whole") === undefined) {
        assert.ok(plain && (own?.kind === "p" || family.length === 1));
      }
    },
  ));
  assert.equal(oddityOf(1, [], "whole"), "does not exist any more");
});

Deno.test("an estimate contradicts a count of nothing, and a count far below it, but not a rough one", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e9 }),
      fc.integer({ min: 0, max: 1e9 }),
      (rows, estimate) => {
        if (estimate >= 1 && rows === 0) assert.ok(contradicts(rows, estimate));
        if (rows >= estimate / 2 && rows > 0) assert.ok(!contradicts(rows, estimate));
        assert.ok(!contradicts(rows, null));
      },
    ),
  );
});

type Fault = "lie up" | "lie down" | "distributed" | "here again" | "tamper" | "child" | "rotate";
const faults = fc.array(
  fc.constantFrom<Fault>(
    "lie up",
    "lie down",
    "distributed",
    "here again",
    "tamper",
    "child",
    "rotate",
    "rotate",
  ),
  { minLength: 3, maxLength: 12 },
);
/** Runs of random histories; more with HOLDFAST_TEST_RUNS. */
const numRuns = Number(Deno.env.get("HOLDFAST_TEST_RUNS") ?? 8);
let run = 0;

Deno.test("whatever befalls a leaf, it is dropped only here, alone, and with every row in its archive", async () => {
  await fc.assert(
    fc.asyncProperty(faults, async (history) => {
      const name = `fault_${++run}`;
      const old = `${name}.old`;
      await using guardian = guarded.at(now, { archiveDir });
      await setUp(name, plainLeaf(name));
      await fill(old, 50);
      await guardian.put(`${name}.t`, archiving);
      const wrong = { distributed: false, child: false };
      const there = async () =>
        (await guarded.sql`select to_regclass(${old}) is not null as yes`)[0]?.yes === true;
      const does: Record<Fault, () => Promise<unknown>> = {
        "lie up": () =>
          guarded
            .sql`update pg_class set reltuples = 1000000, relpages = 9000 where oid = ${old}::text::regclass`,
        "lie down": () =>
          guarded
            .sql`update pg_class set reltuples = 0, relpages = 0 where oid = ${old}::text::regclass`,
        distributed: async () => {
          wrong.distributed = true;
          await guarded
            .sql`insert into pg_catalog.pg_dist_partition values (${old}::text::regclass) on conflict do nothing`;
        },
        "here again": async () => {
          wrong.distributed = false;
          await guarded
            .sql`delete from pg_catalog.pg_dist_partition where logicalrelid = ${old}::text::regclass`;
        },
        tamper: () =>
          guarded.sql.unsafe(`
            alter table ${old} disable trigger user;
            insert into ${old} values ('2026-01-05', 0);
            alter table ${old} enable always trigger user`).simple(),
        child: async () => {
          await guarded.sql.unsafe(`create table ${name}.child () inherits (${old})`);
          wrong.child = true;
        },
        rotate: () => guardian.rotation.rotate("test"),
      };
      let rows = 50;
      for (const fault of [...history, "rotate"] as const) {
        if (!await there()) break;
        if (fault !== "rotate") {
          // A partition takes no children, and a table has one of that name at most.
          await does[fault]().catch(() => {});
          rows = await count(old);
          continue;
        }
        await does.rotate();
        if (await there()) {
          assert.equal(await count(old), rows);
          continue;
        }
        assert.deepEqual(wrong, { distributed: false, child: false }, history.join(", "));
        const [archive] = await guarded.sql`
          select rows from holdfast.partition_archives where leaf_schema = ${name} order by id desc limit 1`;
        assert.equal(Number(archive?.rows), rows, history.join(", "));
      }
    }),
    { numRuns, examples: [[["rotate", "distributed", "rotate"]], [["distributed", "rotate"]]] },
  );
});

Deno.test("a drop that waits for another table's lock is retried alone: its proof is made once", async () => {
  await guarded.sql.unsafe(`
    create schema retried;
    create table retried.other (id int primary key);
    create table retried.old (id int references retried.other)`).simple();
  const [{ oid } = { oid: 0 }] = await guarded.sql<{ oid: number }[]>`
    select 'retried.old'::regclass::oid::int8::float8 as oid`;
  await using guardian = guarded.at(now);
  const blocker = await guarded.sql.reserve();
  for (const frees of [false, true]) {
    await blocker`begin`;
    await blocker`lock table retried.other in access share mode`;
    let [proofs, failures] = [0, 0];
    const remove = createRemoval({
      pool: guardian.pool,
      clock: guardian.clock,
      log: createLogger({ level: "error", write: () => {} }),
      limitLocks: async (sql) => void await sql`select set_config('lock_timeout', '20ms', true)`,
      refuseChanged: () => Promise.resolve(),
      async withRetries(_step, work) {
        for (let attempt = 1;; attempt++) {
          try {
            return await work();
          } catch (error) {
            if (codeOf(error) !== "55P03" || attempt === 4) throw error;
            if (++failures === 2 && frees) await blocker`rollback`;
          }
        }
      },
      entry: (step) => ({
        action: step.action,
        table: step.table,
        partition: step.partition.name,
        reason: step.reason,
        duration_ms: 1,
        error: null,
        sql: null,
      }),
    });
    const done = remove({
      action: "drop",
      table: "retried.t",
      parent: { schema: "retried", table: "t" },
      partition: { schema: "retried", name: "old" },
      statements: [{ sql: "drop table retried.old", lock: "ACCESS EXCLUSIVE" }],
      reason: "test",
      transaction: true,
      heavy: true,
      estimate: { rows: 0, bytes: 0, seconds: 0 },
      oid,
    }, () => Promise.resolve(void proofs++));
    if (frees) await done;
    else await assert.rejects(done, /lock timeout/);
    assert.equal(proofs, 1);
    if (!frees) await blocker`rollback`;
  }
  blocker.release();
  const [row] = await guarded.sql`select to_regclass('retried.old') is null as gone`;
  assert.equal(row?.gone, true);
});
