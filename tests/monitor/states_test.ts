import assert from "node:assert/strict";
import { IngestRate } from "../../services/monitor/observations/ingest_rate.ts";
import {
  afterAnswer,
  afterFailure,
  neverReached,
} from "../../services/monitor/collect/reachability.ts";
import { createStandbysSeen } from "../../services/monitor/observations/standbys_seen.ts";
import { type Sample, SampleQueue } from "../../services/monitor/history/sample_queue.ts";
import { SeriesRegistry } from "../../services/monitor/history/series_registry.ts";

const sample = (at: number, name = "xid_age", scope = ""): Sample => ({
  at,
  name,
  scope,
  value: at,
});

Deno.test("an outage begins with the first failure, and tables known before it count as unread after it", () => {
  const first = afterFailure(neverReached, 1_000, "refused");
  const second = afterFailure(first, 2_000, "still refused");
  assert.deepEqual(second.unreachable, { since: 1_000, error: "still refused" });
  assert.equal(afterAnswer(second, 3_000, false).justBack, false, "no tables were known");
  const back = afterAnswer(second, 3_000, true);
  assert.deepEqual(back, { checkedAt: 3_000, unreachable: undefined, justBack: true });
  assert.equal(afterAnswer(back, 4_000, true).justBack, true, "until the tables are read");
  assert.equal(afterAnswer({ ...back, justBack: false }, 4_000, true).justBack, false);
});

Deno.test("the rate of ticks needs two readings at different times", () => {
  const rate = new IngestRate();
  rate.note(1_000, 10);
  assert.equal(rate.perSecond, null);
  rate.note(3_000, 50);
  assert.equal(rate.perSecond, 20);
  rate.note(3_000, 60);
  assert.equal(rate.perSecond, 20);
});

Deno.test("a standby is remembered for a day after it streamed", () => {
  const seen = createStandbysSeen();
  const day = 24 * 3_600_000;
  seen.note(["a", "b"], 0);
  seen.note(["a"], day);
  assert.deepEqual(seen.names(), ["a", "b"]);
  seen.note(["a"], day + 1);
  assert.deepEqual(seen.names(), ["a"]);
});

Deno.test("a sample queue drops the oldest beyond its limit, and a failed batch waits again in order", async () => {
  const queue = new SampleQueue(3);
  assert.deepEqual(queue.add([sample(1), sample(2)]), []);
  assert.deepEqual(queue.add([sample(3), sample(4)]), [sample(1)]);
  assert.equal(queue.dropped, 1);
  const written: number[] = [];
  await assert.rejects(
    queue.drain(2, (batch) => {
      if (written.length > 0) return Promise.reject(new Error("lost"));
      written.push(...batch.map(({ at }) => at));
      queue.add([sample(5)]);
      assert.equal(queue.of("xid_age", "").length, 4, "what is being written is not lost");
      return Promise.resolve();
    }),
    /lost/,
  );
  assert.deepEqual(written, [2, 3]);
  assert.deepEqual(queue.of("xid_age", "").map(({ at }) => at), [4, 5]);
  assert.equal(queue.oldestAt, 4);
  queue.removeBefore(5);
  queue.removeSince(6);
  assert.equal(queue.size, 1);
});

Deno.test("series of the server are always stored, others within the limit or after a day unused", () => {
  const day = 86_400_000;
  const series = new SeriesRegistry(1);
  assert.ok(series.admit(sample(0, "slot_lost", "a")));
  assert.ok(!series.admit(sample(1, "slot_lost", "b")), "the limit is reached");
  assert.ok(series.admit(sample(1)), "of the whole server");
  assert.ok(!series.admit(sample(day, "slot_lost", "b")));
  const [known] = series.withoutId([sample(0)]);
  assert.ok(known);
  series.setIds([known], [7]);
  assert.deepEqual(series.withoutId([sample(2)]), []);
  const fresh = { name: "slot_lost", scope: "a" };
  const idOf = series.finder([fresh], [8]);
  assert.deepEqual([idOf(known), idOf(fresh)], [7, 8]);
  assert.throws(() => idOf({ name: "other", scope: "" }), /Cannot find the id of series other/);
  assert.ok(series.admit(sample(day + 2, "slot_lost", "b")), "the unused ones have gone");
});
