import assert from "node:assert/strict";
import { createDiskReader, type DiskSpace } from "../../services/monitor/collect/disk.ts";
import { emptyReadings } from "../../services/monitor/collect/reading.ts";
import { createStatements } from "../../services/monitor/diagnosis/statements.ts";
import { createObservations } from "../../services/monitor/observations/observations.ts";
import type { PerformanceMetrics } from "../../services/monitor/signals/derived.ts";
import { farOffSeconds } from "../../services/monitor/signals/durability.ts";
import { signals } from "../../services/monitor/signals/list.ts";

const minute = 60_000;
const times = { fast: 5_000, stats: 30_000, slow: 5 * minute, hourly: 60 * minute };
const ages = { fast: 15_000, stats: 90_000, slow: 15 * minute, hourly: 180 * minute };
const disk = (used: number): DiskSpace => ({ free_bytes: 1_000_000 - used, used_bytes: used });

function watchDisk() {
  let at = 0;
  const observations = createObservations({
    readings: emptyReadings(),
    statements: createStatements(),
    everyMs: times,
    maxAgeMs: ages,
    now: () => at,
  });
  const value = (name: string) =>
    signals.find((signal) => signal.name === name)?.read(
      observations.view({} as PerformanceMetrics),
    ) ?? null;
  return {
    note(minutes: number, space: DiskSpace | undefined): void {
      at = minutes * minute;
      observations.noteDisk(space);
    },
    wait: (minutes: number) => void (at += minutes * minute),
    values: () => [value("disk_free_bytes"), value("disk_full_seconds")],
  };
}

Deno.test("the time until the disk is full follows from what fills it", () => {
  const { note, values } = watchDisk();
  assert.deepEqual(values(), [null, null], "not read");
  note(0, disk(400_000));
  assert.deepEqual(values(), [600_000, null], "one reading has no rate");
  note(10, disk(460_000)); // 100 bytes a second
  assert.deepEqual(values(), [540_000, 5_400]);
  note(20, disk(1_000_000));
  assert.deepEqual(values(), [0, 0], "it is full");
});

Deno.test("a disk that does not fill lasts a century, and one that is not read is unknown", () => {
  const { note, wait, values } = watchDisk();
  note(0, disk(400_000));
  note(10, disk(300_000));
  assert.deepEqual(values(), [700_000, farOffSeconds]);
  wait(15);
  assert.deepEqual(values(), [700_000, farOffSeconds]);
  wait(1);
  assert.deepEqual(values(), [null, null], "the reading is too old");
  note(30, disk(300_000));
  note(35, undefined);
  assert.deepEqual(values(), [null, null], "it could not be read");
});

Deno.test("the disk of a directory is read, and one that is not there is unknown", async () => {
  const found = await createDiskReader(".")();
  assert.ok(found && found.used_bytes > 0 && found.free_bytes >= 0);
  assert.equal(await createDiskReader("/nowhere/at/all")(), undefined);
});
