import assert from "node:assert/strict";
import { createCycle } from "../../services/backups/s3/cycle.ts";
import type { Inventory } from "../../services/backups/s3/inventory.ts";
import { CopyTracker } from "../../services/backups/s3/tracker.ts";
import { recordAt } from "../helpers/copies.ts";

const files = { "base.tar.gz": { bytes: 10, sha256: "" } };
const record = recordAt(1, true, files);
const start = Date.parse("2026-01-31T00:00:00Z");

/** A storage with a complete copy of the record. */
const stored: Inventory = {
  backups: new Map([[record.id, {
    id: record.id,
    files: new Map([["base.tar.gz", 10]]),
    record,
    recordSha256: "",
    at: "2026-01-31T02:00:00Z",
  }]]),
  wal: new Map(),
};

Deno.test("the state of a copy follows its progress, its failure and its completion", () => {
  const tracker = new CopyTracker(start);
  const state = (inventory?: Inventory, problem?: string) =>
    tracker.stateOf(record, inventory, problem);
  assert.equal(state().state, "pending");
  tracker.copyStarted(record.id, 10);
  tracker.copyProgressed(4, true);
  tracker.copyProgressed(3, false);
  assert.deepEqual([state().state, state().done_bytes, state().total_bytes], ["copying", 7, 10]);
  tracker.copyEnded();
  tracker.copyFailed(record.id, "no space");
  assert.deepEqual([state().state, state().problem], ["failed", "no space"]);
  tracker.copySucceeded(record.id);
  assert.deepEqual([state(stored).state, state(stored).at], ["done", "2026-01-31T02:00:00Z"]);
  assert.equal(state(undefined, "unreachable").problem, "unreachable", "why none is copied");
  assert.equal(tracker.health(stored, { now: start, cycleProblem: undefined }).copied_bytes, 4);
});

Deno.test("a damaged copy is on hold until the next cycle may repair it, and shows the damage", () => {
  const tracker = new CopyTracker(start);
  tracker.checked(record.id, { files: [], wal: ["WAL segment 1 of the copy is damaged"] });
  assert.deepEqual([tracker.isOnHold(record.id), tracker.isWalOnHold()], [false, true]);
  assert.equal(tracker.stateOf(record, stored, undefined).state, "failed");
  tracker.releaseHolds();
  assert.equal(tracker.isWalOnHold(), false);
  assert.equal(tracker.stateOf(record, stored, undefined).state, "failed", "not repaired yet");
  tracker.walComplete();
  assert.equal(tracker.stateOf(record, stored, undefined).state, "done");
  tracker.checked(record.id, { files: ["base.tar.gz of the copy is damaged"], wal: [] });
  assert.equal(tracker.isOnHold(record.id), true);
  tracker.forgetOthers(new Set());
  assert.equal(tracker.stateOf(record, stored, undefined).state, "done", "of a removed backup");
});

Deno.test("the lag of copied WAL is the age of the oldest missing file, and 0 when none is missing", () => {
  const tracker = new CopyTracker(start);
  const lag = (now: number) =>
    tracker.health(stored, { now, cycleProblem: undefined }).copy_lag_seconds;
  assert.equal(lag(start), null, "not known yet");
  tracker.walMissing([start, start + 5_000]);
  assert.equal(lag(start + 10_000), 10);
  tracker.walCopied(100);
  assert.equal(lag(start + 10_000), 5);
  tracker.walCopied(100);
  assert.equal(lag(start + 10_000), 0);
});

Deno.test("a cycle never runs twice at a time, runs again when woken meanwhile, and backs off", async () => {
  let now = 1_000_000;
  let runs = 0;
  let fails = false;
  const gates: (() => void)[] = [];
  const cycle = createCycle({
    async run() {
      runs++;
      await new Promise<void>((go) => gates.push(go));
      if (fails) throw new Error("refused");
    },
    onFailure: (error) => String(error),
    signal: new AbortController().signal,
    now: () => now,
  });
  const finish = async () => {
    const running = cycle.running();
    gates.shift()?.();
    await running;
  };
  cycle.wake("1");
  cycle.wake("1");
  assert.equal(runs, 1);
  await finish();
  assert.equal(runs, 2, "what was asked for meanwhile follows");
  fails = true;
  await finish();
  assert.equal(cycle.problem(), "Error: refused");
  cycle.wake("1");
  assert.equal(runs, 3, "the first retry is immediate");
  await finish();
  cycle.wake("1");
  assert.equal(runs, 3, "the second one waits");
  now += 60_000;
  fails = false;
  cycle.wake("1");
  await finish();
  assert.deepEqual([runs, cycle.problem(), cycle.running()], [4, undefined, undefined]);
});
