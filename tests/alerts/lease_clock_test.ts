import assert from "node:assert/strict";
import type { RecordsDb } from "../../db/records/records.ts";
import { createLease } from "../../services/alerts/storage/lease.ts";
import type { WriteAccess } from "../../services/monitor/write_access/access.ts";

Deno.test("a lease does not outlast a suspension of the machine, in which another may have taken it", async () => {
  const row = { leads: true, holder: "one", renewed_at: null, seen_at: null };
  const db = { run: () => Promise.resolve([row]) } as unknown as RecordsDb;
  const access = { isWatchOnly: () => false, canWrite: () => true } as WriteAccess;
  const lease = createLease({ db, name: "one", access });
  await lease.renew();
  assert.deepEqual([lease.isHeld(), lease.leads()], [true, true]);
  const wall = Date.now;
  try {
    // The monotonic clock stood still meanwhile.
    Date.now = () => wall() + 60_000;
    assert.deepEqual([lease.isHeld(), lease.leads()], [false, false]);
    await lease.renew();
    assert.deepEqual([lease.isHeld(), lease.leads()], [true, true]);
  } finally {
    Date.now = wall;
  }
});
