import assert from "node:assert/strict";
import fc from "fast-check";
import type { CollectorRows } from "../../db/collectors/list.ts";
import {
  createStandbyProgress,
  type StandbyState,
} from "../../services/monitor/observations/standby_progress.ts";

type Row = CollectorRows["standby"];

const row = (changes: Partial<Row> = {}): Row => ({
  in_recovery: true,
  received: null,
  replayed: 1_000,
  xact_age_seconds: 3_600,
  paused: false,
  streaming: false,
  streams: false,
  sees_startup: true,
  wait_event: "RecoveryRetrieveRetryInterval",
  ...changes,
});

/** What is said at each look; one every 30 s. */
function looks(...rows: Row[]): (StandbyState | undefined)[] {
  const progress = createStandbyProgress();
  return rows.map((one, index) => {
    progress.note(one, index * 30_000);
    return progress.state();
  });
}

const delays = (...rows: Row[]) => looks(...rows).map((state) => state?.delay_seconds);

Deno.test("from an archive: a standby that waits for more WAL has replayed all, however old the last transaction is", () => {
  assert.deepEqual(delays(row(), row({ xact_age_seconds: 86_400 })), [0, 0]);
  // restore_command is tried again and again, which is no lag while nothing comes of it.
  assert.deepEqual(delays(row(), row({ wait_event: "RestoreCommand" })), [0, 0]);
  // Before it was ever seen to wait, nobody knows.
  assert.deepEqual(delays(row({ wait_event: "RestoreCommand" })), [null]);
  assert.deepEqual(looks(row())[0]?.receiving, null, "it was never to stream");
});

Deno.test("from an archive: a standby that catches up is as late as the transactions it replays", () => {
  const busy = (replayed: number, xact_age_seconds: number) =>
    row({ replayed, xact_age_seconds, wait_event: null });
  assert.deepEqual(delays(busy(1, 9_000), busy(2, 8_000), busy(3, 7_500), row({ replayed: 4 })), [
    null,
    8_000,
    7_500,
    0,
  ]);
  // A segment of an idle primary: WAL without transactions.
  assert.deepEqual(delays(busy(1, 9_000), busy(2, 9_030)), [null, null]);
});

Deno.test("from an archive: a blocked standby is late by that time, the delay of a paused one is unknown", () => {
  const held = row({ wait_event: "RecoveryApplyDelay" });
  assert.deepEqual(delays(held, { ...held }, { ...held }), [0, 30, 60]);
  assert.deepEqual(delays(row({ paused: true, wait_event: "RecoveryPause" })), [null]);
  assert.equal(looks(row({ paused: true }))[0]?.paused, true);
  assert.deepEqual(delays(row({ sees_startup: false, wait_event: null })), [null]);
});

Deno.test("with streaming: late by the time since it received what it has not replayed", () => {
  const stream = (received: number, replayed: number, xact_age_seconds = 7_200) =>
    row({ received, replayed, xact_age_seconds, streaming: true, streams: true, wait_event: null });
  assert.deepEqual(delays(stream(10, 10), stream(20, 15), stream(30, 15), stream(40, 25)), [
    0,
    0,
    30,
    30,
  ]);
  assert.deepEqual(delays(stream(20, 10)), [null], "since when is not known at the first look");
  const cut = row({ received: 40, replayed: 40, streams: true });
  assert.deepEqual(looks(stream(40, 40), cut)[1], {
    delay_seconds: 0,
    receiving: false,
    paused: false,
  });
});

Deno.test("a standby that catches up from its archive before streaming, and one that cannot reach its primary", () => {
  const first = (replayed: number) => row({ replayed, streams: true, wait_event: null });
  assert.deepEqual(
    looks(first(1), first(2), first(3)).map((state) => state?.receiving),
    [null, null, null],
  );
  assert.deepEqual(
    looks(first(1), first(1)).map((state) => state?.receiving),
    [null, false],
  );
  assert.equal(looks(row({ streams: null }), row({ streams: null }))[1]?.receiving, null);
});

Deno.test("an idle primary never makes its standby late", () => {
  fc.assert(fc.property(
    fc.array(
      fc.constantFrom("RecoveryRetrieveRetryInterval", "RestoreCommand", null, "WALRead"),
      { minLength: 1, maxLength: 40 },
    ),
    fc.boolean(),
    (waits, streaming) => {
      const found = delays(...waits.map((wait_event, index) =>
        row({
          wait_event,
          xact_age_seconds: 100 + index * 30,
          ...(streaming ? { received: 1_000, streaming: true, streams: true } : {}),
        })
      ));
      assert.ok(found.every((delay) => delay === 0 || delay === null));
    },
  ));
});
