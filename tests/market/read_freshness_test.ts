import assert from "node:assert/strict";
import fc from "fast-check";
import { lastRecordEnd } from "../../db/server/wal_position.ts";
import { createElapsedTime } from "../../lib/clock.ts";
import { describeSource } from "../../routes/market/read_source.ts";
import {
  judgeFreshness,
  noMarks,
  noteMark,
  type PrimaryMarks,
  type StandbyPosition,
} from "../../services/market/reads/freshness.ts";

const of = { system: "7", database: "5", timeline: 1 };
const primaryAt = (end: bigint) => ({ ...of, inRecovery: false, end });
const standbyAt = (
  end: bigint | undefined,
  askedAt: number,
  changes: Partial<StandbyPosition> = {},
): StandbyPosition => ({
  ...of,
  inRecovery: true,
  end,
  askedAt,
  answeredAt: askedAt,
  ...changes,
});

const step = fc.oneof(
  fc.record({ kind: fc.constant("commit" as const), bytes: fc.bigInt({ min: 1n, max: 90n }) }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 400 }) }),
  // While its answer is on the way, commits follow and time passes.
  fc.record({
    kind: fc.constant("poll" as const),
    bytes: fc.bigInt({ min: 0n, max: 50n }),
    ms: fc.integer({ min: 0, max: 300 }),
  }),
  fc.record({ kind: fc.constant("replay" as const), share: fc.constantFrom(1, 2, 4, 4) }),
  fc.record({ kind: fc.constant("read" as const), boundMs: fc.integer({ min: 200, max: 2_000 }) }),
);

Deno.test("what is judged fresh lacks nothing that is older than its staleness, which is within the bound", () => {
  let fresh = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: "max" }), (steps) => {
      let [now, written, replayed] = [0, 0n, 0n];
      let known: PrimaryMarks = noMarks;
      const commits: { at: number; end: bigint }[] = [];
      const commit = (bytes: bigint) => {
        written += bytes;
        if (bytes > 0n) commits.push({ at: now, end: written });
      };
      for (const one of steps) {
        if (one.kind === "commit") commit(one.bytes);
        if (one.kind === "pass") now += one.ms;
        if (one.kind === "replay") replayed += (written - replayed) * BigInt(one.share) / 4n;
        if (one.kind === "poll") {
          const [at, position] = [now, primaryAt(written)];
          commit(one.bytes);
          now += one.ms;
          known = noteMark(known, position, at, 2_000);
        }
        if (one.kind === "read") {
          const judged = judgeFreshness(known, standbyAt(replayed, now), { boundMs: one.boundMs });
          if ("refusal" in judged) continue;
          fresh++;
          assert.ok(judged.staleMs <= one.boundMs);
          const missing = commits.filter(({ end }) => end > replayed);
          assert.ok(missing.every(({ at }) => at >= now - judged.staleMs));
        }
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(fresh > 100, `only ${fresh} reads were judged fresh`);
});

Deno.test("a standby that has replayed everything is fresh, however long the primary has been idle", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e9 }),
      fc.integer({ min: 0, max: 1_000 }),
      (idleMs, pollAgeMs) => {
        let known = noteMark(noMarks, primaryAt(900n), 0, 1_000);
        known = noteMark(known, primaryAt(900n), idleMs, 1_000);
        const position = standbyAt(900n, idleMs + pollAgeMs);
        assert.deepEqual(judgeFreshness(known, position, { boundMs: 1_000 }), {
          staleMs: pollAgeMs,
        });
      },
    ),
  );
});

Deno.test("a standby is refused that is none, is elsewhere, or is behind", () => {
  const known = [[0, 100n], [500, 200n], [1_000, 300n]].reduce(
    (marks, [at, end]) => noteMark(marks, primaryAt(BigInt(end!)), Number(at), 1_000),
    noMarks,
  );
  const judge = (position: StandbyPosition, seen?: StandbyPosition) =>
    judgeFreshness(known, position, { boundMs: 1_000, seen });
  assert.deepEqual(judge(standbyAt(300n, 1_200)), { staleMs: 200 });
  assert.deepEqual(judge(standbyAt(299n, 1_200)), { staleMs: 700 });
  assert.deepEqual(judge(standbyAt(150n, 1_200)), { refusal: "stale" });
  assert.deepEqual(judge(standbyAt(undefined, 1_200)), { refusal: "stale" });
  assert.deepEqual(judge(standbyAt(300n, 2_001)), { refusal: "primary_unknown" });
  assert.deepEqual(judge(standbyAt(300n, 1_200, { inRecovery: false })), { refusal: "promoted" });
  assert.deepEqual(judge(standbyAt(300n, 1_200, { system: "8" })), { refusal: "other_cluster" });
  assert.deepEqual(judge(standbyAt(300n, 1_200, { database: "6" })), { refusal: "other_cluster" });
  assert.deepEqual(judge(standbyAt(300n, 1_200, { timeline: 2 })), { refusal: "other_timeline" });
  // It was at 250 when the primary was later at 200 only.
  const seen = standbyAt(250n, 400);
  assert.deepEqual(judge(standbyAt(300n, 1_200), seen), { refusal: "other_timeline" });
  assert.deepEqual(judge(standbyAt(300n, 1_200), standbyAt(250n, 600)), { staleMs: 200 });
  assert.deepEqual(judgeFreshness(noMarks, standbyAt(1n, 0), { boundMs: 1 }), {
    refusal: "primary_unknown",
  });
});

Deno.test("marks of another timeline, and of a server that is no primary, prove nothing", () => {
  const known = noteMark(noMarks, primaryAt(100n), 0, 1_000);
  assert.equal(noteMark(known, { ...primaryAt(200n), inRecovery: true }, 10, 1_000), known);
  const promoted = noteMark(known, { ...primaryAt(90n), timeline: 2 }, 10, 1_000);
  assert.deepEqual(promoted.marks, [{ at: 10, end: 90n }]);
  assert.deepEqual(judgeFreshness(promoted, standbyAt(95n, 20), { boundMs: 1_000 }), {
    refusal: "other_timeline",
  });
  // After a crash that lost what was not flushed, an earlier mark may lie beyond a later one.
  const crashed = noteMark(
    noteMark(noMarks, primaryAt(100n), 0, 1_000),
    primaryAt(95n),
    500,
    1_000,
  );
  assert.deepEqual(judgeFreshness(crashed, standbyAt(96n, 600), { boundMs: 1_000 }), {
    staleMs: 100,
  });
});

Deno.test("an insert position behind the header of a page is before that header", () => {
  const [block, segment] = [8_192n, 16n * 1024n * 1024n];
  const end = (at: bigint) => lastRecordEnd(at, block, segment);
  assert.equal(end(3n * segment + 40n), 3n * segment, "the first page of a segment");
  assert.equal(end(3n * segment + block + 24n), 3n * segment + block, "another page");
  assert.equal(end(3n * segment + block + 40n), 3n * segment + block + 40n, "the end of a record");
  assert.equal(end(3n * segment + 64n), 3n * segment + 64n);
});

Deno.test("elapsed time grows while the machine is suspended, and not back with the wall clock", () => {
  let [steady, wall] = [5, 1_000];
  const elapsed = createElapsedTime({ steady: () => steady, wall: () => wall });
  const began = elapsed();
  [steady, wall] = [15, 1_010];
  assert.equal(elapsed() - began, 10);
  [steady, wall] = [16, 61_010];
  assert.equal(elapsed() - began, 60_010, "suspended for a minute");
  [steady, wall] = [17, 500];
  assert.equal(elapsed() - began, 60_011, "set back");
});

Deno.test("the header rounds staleness up", () => {
  assert.equal(
    describeSource({ target: "standby", staleMs: 411.2, boundMs: 10_000 }),
    "standby;staleness=0.412;bound=10",
  );
  assert.equal(describeSource({ target: "primary", refusal: "stale" }), "primary;reason=stale");
  assert.equal(describeSource({ target: "primary", refusal: undefined }), "primary");
});
