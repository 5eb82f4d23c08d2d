import assert from "node:assert/strict";
import type { WriteFacts } from "../../db/server/write_state.ts";
import type { Pools } from "../../db/pool/open.ts";
import type { Sql } from "../../db/connection.ts";
import { type RecordsDb, recordsIn } from "../../db/records/records.ts";
import { createWriting } from "../../app/writing.ts";
import { createLogger } from "../../log.ts";
import { createCanary, type WritePreparation } from "../../services/alerts/evaluation/canary.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import { notReadyForWrites, writeChecks } from "../../services/monitor/write_access/health.ts";
import { standby } from "../../services/monitor/write_access/state.ts";

const log = createLogger({ level: "error", write: () => {} });

/** An error as the driver throws it. */
const refusal = (code: string, message: string) =>
  Object.assign(new Error(message), { name: "PostgresError", code, severity: "ERROR" });

/** A canary of a server that answers `facts`, and is prepared by `begin`; a write works at once. */
function watchWrites(begin: () => Promise<void>, started = true) {
  const facts: WriteFacts = {
    database: "trading",
    role: "holdfast",
    in_recovery: true,
    read_only: true,
    source: null,
    new_sessions_read_only: null,
    set_for: null,
  };
  let now = 0;
  let begun = false;
  /** Answers the questions that come; a write is one of them. */
  const answers = { next: () => Promise.resolve([{ ...facts, seq: "1" }] as { seq: string }[]) };
  const clock = { now: () => new Date(now) };
  const access = createWriteAccess({ clock, log });
  const unsafe = () => ({
    then: (...hooks: Parameters<Promise<unknown>["then"]>) => answers.next().then(...hooks),
    values: async () => (await answers.next()).map(({ seq }) => [seq]),
  });
  const db: RecordsDb = {
    run: async (query) => await query(recordsIn({ unsafe } as unknown as Sql)),
  };
  const preparation: WritePreparation = {
    isStarted: () => started,
    isBegun: () => begun,
    async begin() {
      await begin();
      begun = true;
    },
    findSchema: () => Promise.resolve(),
    renewSessions: () => {},
  };
  const canary = createCanary({
    db,
    name: "test",
    everyMs: 5_000,
    access,
    preparation,
    isDiskFull: () => false,
    clock,
    log,
  });
  return {
    access,
    answers,
    canary,
    facts,
    start: () => started = true,
    check: async () => {
      now += 5_000;
      await canary.check();
    },
    failing: () => canary.values().find(({ metric }) => metric === "canary_failing")?.value,
  };
}

Deno.test("a promoted server that cannot be prepared is an outage, even where Holdfast never wrote", async () => {
  let problem: Error | undefined = refusal("42501", "permission denied for database trading");
  const { access, check, facts, failing } = watchWrites(() =>
    problem ? Promise.reject(problem) : Promise.resolve()
  );
  await check();
  assert.equal(writeChecks(access.state())[0]?.status, "healthy", "a standby is no fault");
  assert.equal(failing(), null);

  Object.assign(facts, { in_recovery: false, read_only: false });
  const during: string[] = [];
  access.onChange(({ cause, unprepared }) => during.push(`${cause} ${unprepared}`));
  // Trying again does not take back what was said of the last time.
  for (let round = 0; round < 3; round++) {
    await check();
    assert.equal(failing(), 1);
    const [found] = writeChecks(access.state());
    assert.equal(found?.status, "unhealthy");
    assert.match(found?.detail ?? "", /42501: permission denied.*grant create on database/);
    assert.match(notReadyForWrites(access.state()) ?? "", /42501: permission denied/);
  }
  assert.deepEqual(during, ["promotion false", "promotion true"]);

  problem = undefined;
  await check();
  assert.deepEqual([access.canWrite(), failing()], [true, 0]);
  assert.deepEqual(writeChecks(access.state()), []);
});

Deno.test("a server that was read-only at the start and cannot be prepared afterwards stays an outage", async () => {
  const { access, check, facts, failing } = watchWrites(() =>
    Promise.reject(refusal("55P03", "canceling statement due to lock timeout"))
  );
  Object.assign(facts, { in_recovery: false, read_only: true, new_sessions_read_only: true });
  await check();
  assert.equal(failing(), 1);
  Object.assign(facts, { read_only: false, new_sessions_read_only: null });
  await check();
  assert.equal(failing(), 1);
  assert.match(writeChecks(access.state())[0]?.detail ?? "", /55P03.*Mend what the server names/);
});

Deno.test("a connection lost during preparation counts as a write outage only the second time", async () => {
  const { check, facts, failing } = watchWrites(() =>
    Promise.reject(Object.assign(new Error("closed"), { code: "CONNECTION_CLOSED" }))
  );
  Object.assign(facts, { in_recovery: false, read_only: false });
  await check();
  assert.notEqual(failing(), 1);
  await check();
  assert.equal(failing(), 1);
});

Deno.test("a server that becomes a standby between the check and the write is reported as a standby", async () => {
  const { access, answers, check, facts } = watchWrites(() => Promise.resolve());
  Object.assign(facts, { in_recovery: false, read_only: false });
  await check();
  assert.ok(access.canWrite());
  const { next } = answers;
  let asked = 0;
  answers.next = () => {
    if (++asked === 1) return next();
    Object.assign(facts, { in_recovery: true, read_only: true });
    // The write is tried in each session that may have begun with another default.
    return asked <= 4
      ? Promise.reject(refusal("25006", "cannot execute INSERT in a read-only transaction"))
      : next();
  };
  await check();
  assert.deepEqual([access.state().mode, access.state().cause], ["watch_only", "standby"]);
});

Deno.test("before the start is over, asking for values starts no check", async () => {
  let begins = 0;
  const { canary, facts, failing, start } = watchWrites(() => {
    begins++;
    return Promise.resolve();
  }, false);
  Object.assign(facts, { in_recovery: false, read_only: false });
  assert.equal(failing(), null);
  await canary.stop?.();
  assert.equal(begins, 0);
  start();
  failing();
  await canary.stop?.();
  assert.equal(begins, 1);
});

Deno.test("a server is prepared once, and again after it was a standby", async () => {
  const access = createWriteAccess({ clock: { now: () => new Date(0) }, log });
  let loads = 0;
  let loading = Promise.withResolvers<void>();
  const maintenance = { run: () => Promise.resolve([]), renew: () => {} };
  const writing = createWriting({
    pools: { maintenance } as unknown as Pools,
    access,
    allowPublished: false,
    load: () => {
      loads++;
      return loading.promise;
    },
    log,
  });
  const both = Promise.all([writing.begin(), writing.begin()]);
  loading.resolve();
  await both;
  await writing.begin();
  assert.deepEqual([loads, writing.isBegun()], [1, true]);

  access.note(standby(undefined));
  assert.equal(writing.isBegun(), false);
  await writing.begin();
  assert.deepEqual([loads, writing.isBegun()], [2, true]);
  access.note(standby(undefined));
  loading = Promise.withResolvers();
  const demoted = writing.begin();
  while (loads < 3) await Promise.resolve();
  access.note(standby(undefined));
  loading.resolve();
  await demoted;
  assert.equal(writing.isBegun(), false, "it became a standby while it was prepared");
});
