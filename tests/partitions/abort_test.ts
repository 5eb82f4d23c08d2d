import assert from "node:assert/strict";
import type { OperationProgress } from "../../db/requests/operations.ts";
import { HoldfastError } from "../../errors.ts";
import { createArchives } from "../../services/partitions/archive/restore.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import type { WorkContext } from "../../services/requests/work.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { type Guarded, type Guardian, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
let archiveDir: string;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
  archiveDir = await Deno.makeTempDir({ prefix: "holdfast-abort-" });
});
Deno.test.afterAll(async () => {
  await guarded.stop();
  await Deno.remove(archiveDir, { recursive: true });
});

/** An operation that a test aborts, with all that was reported to it. */
function attended() {
  const controller = new AbortController();
  const progress: OperationProgress[] = [];
  const reasons: string[] = [];
  const context: WorkContext = {
    report: (one) => progress.push(one),
    signal: controller.signal,
    mustFinish: (why) => why === undefined || reasons.push(why),
  };
  const abort = () => controller.abort(new HoldfastError("conflict", "aborted by the test"));
  return { context, progress, reasons, abort };
}

/** Statements of the guardian that wait for a lock. */
async function waiting(): Promise<number> {
  const rows = await guarded.sql`
    select 1
    from pg_stat_activity
    where application_name = 'guardian' and state = 'active' and wait_event_type = 'Lock'`;
  return rows.length;
}

/** Runs `work` while another session has done `statement` in an open transaction. */
async function beside(
  statement: string,
  work: (end: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const other = await guarded.sql.reserve();
  try {
    await other.unsafe("begin");
    await other.unsafe(statement);
    await work(async () => void await other.unsafe("commit"));
  } finally {
    await other.unsafe("rollback");
    other.release();
  }
}

/** Calls `abort` and expects `work` to fail with its reason, and its statement to be gone, within a second. */
async function endsWithin(abort: () => void, work: Promise<unknown>): Promise<void> {
  await within(1_000, "the work ends", async () => {
    const started = performance.now();
    abort();
    await assert.rejects(work, /aborted by the test/);
    await eventually(async () => await waiting() === 0, "its statement is gone");
    return performance.now() - started;
  });
}

const archivesOf = (guardian: Guardian) =>
  createArchives({
    pool: guardian.pool,
    catalogue: createCatalogue(),
    config: { HOLDFAST_PREMAKE_DAYS: 1, HOLDFAST_RETENTION_DAYS: 0 },
    clock: guardian.clock,
    directory: archiveDir,
  });

async function makeTable(name: string): Promise<void> {
  await guarded.sql.unsafe(`
    create schema ${name};
    create table ${name}.t (ts timestamptz not null, id bigint not null) partition by range (ts);
    create table ${name}.old partition of ${name}.t for values from ('2026-01-01') to ('2026-02-01');
    create table ${name}.kept partition of ${name}.t for values from ('2026-03-01') to ('2026-03-14');
    insert into ${name}.t
    select timestamptz '2026-01-02 00:00+00' + g * interval '1 second', g
    from generate_series(1, 2500) as g;
  `).simple();
}

Deno.test("a restore reports bytes and rows; aborted, it leaves nothing and can be repeated", async () => {
  await makeTable("restored");
  await using guardian = guarded.at(now, { archiveDir });
  await guardian.put("restored.t", {
    retention: { keep: "30 days", action: "archive-then-drop" },
    cooldown: "0",
    premake: 0,
  });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const request = { table: "restored.t", partition: "old", holdSeconds: 3_600 };
  const archives = archivesOf(guardian);
  await beside("lock table restored.t in share row exclusive mode", async () => {
    const { context, progress, abort } = attended();
    const restoring = archives.restore(request, context);
    restoring.catch(() => {});
    await eventually(async () => await waiting() === 1, "the attach waits");
    assert.equal(progress.at(-1)?.step, "attach the partition");
    await endsWithin(abort, restoring);
  });
  const [left] = await guarded.sql`select to_regclass('restored.old') as oid`;
  assert.equal(left?.oid, null);
  const seals = await guarded.sql`
    select 1 from holdfast.sealed_partitions where leaf_schema = 'restored' and ended_at is null`;
  assert.equal(seals.length, 0);

  const { context, progress } = attended();
  assert.equal((await archives.restore(request, context)).rows, 2_500);
  const steps = [...new Set(progress.map(({ step, unit }) => `${step}: ${unit}`))];
  assert.deepEqual(steps, [
    "check the file: bytes",
    "load the rows: rows",
    "insert the loaded rows: rows",
    "compare the rows with the manifest: rows",
    "attach the partition: rows",
  ]);
  const loads = progress.filter(({ step }) => step === "load the rows").map(({ done }) => done);
  assert.deepEqual([loads[0], loads[1], loads.at(-1)], [0, 1_000, 2_500]);
  for (const { done, of } of progress) assert.ok(of !== null && done <= of);
});

Deno.test("a plan reports its statements; aborted, the step is rolled back and the rest left", async () => {
  await makeTable("planned");
  await using guardian = guarded.at(now);
  await guardian.put("planned.t", { premake: 5 });
  const { digest, steps } = await guardian.rotation.plan("planned.t");
  assert.ok(steps.length > 1);
  const before = Object.keys(await guarded.leaves("planned.t"));
  await beside("lock table planned.t in share row exclusive mode", async () => {
    const { context, abort } = attended();
    const applying = guardian.rotation.apply(digest, "planned.t", false, context);
    await eventually(async () => await waiting() === 1, "the attach waits");
    abort();
    const { aborted, statements, skipped, refused, unproven } = await applying;
    assert.deepEqual([aborted, statements, refused, unproven], [true, 0, [], []]);
    assert.equal(skipped.length, steps.length);
    assert.match(skipped[0]?.reason ?? "", /was not done: the operation was aborted/);
    assert.equal(await waiting(), 0);
  });
  assert.deepEqual(Object.keys(await guarded.leaves("planned.t")), before);
  const [logged] = await guarded.sql<{ error: string }[]>`
    select error from holdfast.maintenance_log
    where table_name = 'planned.t' order by id desc limit 1`;
  assert.match(logged?.error ?? "", /aborted by the test/);

  const { context, progress } = attended();
  const again = await guardian.rotation.plan("planned.t");
  const { aborted, statements } = await guardian.rotation.apply(
    again.digest,
    "planned.t",
    false,
    context,
  );
  assert.equal(aborted, false);
  const last = progress.at(-1);
  assert.match(last?.step ?? "", /^attach planned\.t_/);
  assert.deepEqual([last?.done, last?.of, last?.unit], [statements, statements, "statements"]);
});

Deno.test("a concurrent detach that was begun is not cut off, and the operation says why", async () => {
  await makeTable("detached");
  await using guardian = guarded.at(now);
  await guardian.put("detached.t", {
    retention: { keep: "30 days", action: "detach" },
    premake: 0,
  });
  const { digest } = await guardian.rotation.plan("detached.t");
  const { context, reasons, abort } = attended();
  await beside("select count(*) from detached.t", async (end) => {
    const applying = guardian.rotation.apply(digest, "detached.t", true, context);
    await eventually(async () => await waiting() === 1, "the detach waits for the reader");
    assert.match(reasons[0] ?? "", /^the detach of detached\.old runs to its end: cancelled, it/);
    abort();
    assert.equal(await waiting(), 1);
    await end();
    const { applied } = await applying;
    assert.equal(applied.at(-1)?.action, "detach");
  });
  const pending = await guarded.sql`select 1 from pg_inherits where inhdetachpending`;
  assert.equal(pending.length, 0);
  assert.ok(!("old" in await guarded.leaves("detached.t")));
});
