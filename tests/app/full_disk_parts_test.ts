import assert from "node:assert/strict";
import { replaceFile } from "../../db/embedded/files.ts";
import { codeOf, isUnreachable, toHoldfastError } from "../../db/errors.ts";
import { createFullness } from "../../services/ingest/admission/fullness.ts";
import { mayMount, mountSmallDisk } from "../helpers/disk.ts";
import { testWith } from "../helpers/skip.ts";

Deno.test("a disk is full from the first refusal until uploads go through again", () => {
  let now = Date.parse("2026-01-31T09:30:00Z");
  const start = now;
  const fullness = createFullness({ clock: { now: () => new Date(now) } });
  assert.equal(fullness.since(), undefined);
  fullness.stored();
  assert.equal(fullness.since(), undefined);
  fullness.refused();
  now += 1_000;
  fullness.refused();
  fullness.stored();
  assert.equal(fullness.since(), start, "one that found room beside others that did not");
  now += 5_000;
  assert.equal(fullness.since(), undefined, "they all find room");
  fullness.refused();
  now += 60_000;
  assert.equal(fullness.since(), start + 6_000, "nobody has been stored since");
  now += 5 * 60_000;
  assert.equal(fullness.since(), undefined, "and nobody has tried for minutes");
});

/** As postgres.js throws what the server says. */
function said(severity: string, code: string): Error {
  return Object.assign(new Error("could not write to file"), { severity, code });
}

Deno.test("a statement refused for want of space leaves the connection, a PANIC ends it", () => {
  for (const [severity, lost] of [["ERROR", false], ["FATAL", true], ["PANIC", true]] as const) {
    const error = toHoldfastError(said(severity, "53100"));
    assert.deepEqual([error.code, codeOf(error)], ["storage_full", "53100"]);
    assert.equal(error.retryAfterSeconds, 30);
    assert.equal(isUnreachable(error), lost, severity);
  }
});

testWith(
  { what: "root's right to mount a small disk", present: await mayMount() },
  "a file is replaced whole, or on a full disk not at all",
  async () => {
    const dir = await Deno.makeTempDir({ prefix: "holdfast-replace-" });
    const disk = await mountSmallDisk(dir, 1);
    try {
      const path = `${dir}/holdfast.conf`;
      await replaceFile(path, "a = 1\n", undefined);
      await disk.fill(0);
      const failure = await replaceFile(path, "a = 2\n", undefined).catch((error) => error);
      assert.equal(failure.code, "ENOSPC");
      assert.equal(await Deno.readTextFile(path), "a = 1\n");
      await replaceFile(path, "a = 1\n", undefined); // nothing to do, so nothing to fail
      await disk.relieve();
      await replaceFile(path, "a = 2\n", undefined);
      assert.equal(await Deno.readTextFile(path), "a = 2\n");
      assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["holdfast.conf"]);
    } finally {
      await disk.unmount();
      await Deno.remove(dir);
    }
  },
);
