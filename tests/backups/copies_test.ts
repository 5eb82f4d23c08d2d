import assert from "node:assert/strict";
import { join } from "node:path";
import { createLogger } from "../../log.ts";
import { copyBackups, type CopyContext } from "../../services/backups/s3/copy_backups.ts";
import { createInventoryCache } from "../../services/backups/s3/inventory_cache.ts";
import { CopyTracker } from "../../services/backups/s3/tracker.ts";
import {
  copyWal,
  putRecord,
  retireCopies,
  sweepUploads,
} from "../../services/backups/s3/transfer.ts";
import { fetchBackup, readStorage, recordsOf } from "../../services/backups/s3/fetch.ts";
import { isComplete, readInventory } from "../../services/backups/s3/inventory.ts";
import { backoffMs } from "../../services/backups/s3/cycle.ts";
import { segmentOf } from "../../services/backups/wal/segments.ts";
import { MiB, recordAt, signal, system, withCopies, withStorage } from "../helpers/copies.ts";

const log = createLogger({ level: "error", write: () => {} });

Deno.test("only the retention removes copies: they stay when the local disk is lost", async () => {
  await withCopies([true, true, true, false], async ({ storage, bucket, records }) => {
    const foreign = [`${storage.place.prefix}${system}/wal/notes`, "other/things"];
    for (const key of foreign) {
      storage.objects.set(key, { ...[...storage.objects.values()][0]! });
    }
    const inventory = await readInventory(bucket, system);
    assert.equal(inventory.wal.size, 5);
    const now = Date.now();
    const gone = await retireCopies({ bucket, inventory, signal }, {
      system,
      local: [],
      keep: 2,
      now,
    });
    assert.deepEqual(gone, [records[3]?.id], "of three proven ones the oldest");
    const left = await readInventory(bucket, system);
    assert.deepEqual(
      [...left.backups.keys()].sort(),
      records.slice(0, 3).map(({ id }) => id).sort(),
    );
    assert.equal(left.wal.size, 4, "WAL from the oldest copy on");
    for (const key of foreign) assert.ok(storage.objects.has(key), key);
    const again = { system, local: [], keep: 2, now };
    assert.deepEqual(await retireCopies({ bucket, inventory: left, signal }, again), []);
  });
});

Deno.test("a copy is incomplete until its record is written and from its removal on", async () => {
  await withCopies([true], async ({ storage, bucket, records }) => {
    const [record] = records;
    const key = (file: string) => `${storage.place.prefix}${system}/${record?.id}/${file}`;
    const puts = storage.asked.filter(({ method, key }) =>
      method === "PUT" && key.includes(record?.id ?? "?")
    );
    assert.equal(puts.at(-1)?.key, key("backup.json"), "the record comes last");
    for (const file of ["base.tar.gz", "backup_manifest", "backup.json"]) {
      const held = storage.objects.get(key(file))!;
      storage.objects.delete(key(file));
      assert.deepEqual(recordsOf(await readStorage(bucket, signal)), [], `without ${file}`);
      storage.objects.set(key(file), { ...held, bytes: held.bytes.subarray(1) });
      assert.deepEqual(recordsOf(await readStorage(bucket, signal)), [], `with a short ${file}`);
      storage.objects.set(key(file), held);
    }
    assert.deepEqual(recordsOf(await readStorage(bucket, signal)).map(({ id }) => id), [
      record?.id,
    ]);
    const inventory = await readInventory(bucket, system);
    assert.ok(isComplete(inventory.backups.get(record!.id)));
    storage.asked.splice(0);
    storage.meddle(({ method, key }) =>
      method === "DELETE" && !key.endsWith("backup.json")
        ? new Response(null, { status: 403 })
        : undefined
    );
    const younger = recordAt(9, true, record!.files);
    await putRecord({ bucket, inventory, signal }, younger);
    inventory.backups.get(younger.id)?.files.set("base.tar.gz", 5_000).set(
      "backup_manifest",
      5_000,
    );
    await assert.rejects(() =>
      retireCopies({ bucket, inventory, signal }, { system, local: [], keep: 1, now: Date.now() })
    );
    assert.equal(storage.objects.has(key("backup.json")), false, "its record goes first");
    storage.heal();
    const later = Date.now() + 25 * 3_600_000;
    const left = await readInventory(bucket, system);
    await retireCopies({ bucket, inventory: left, signal }, {
      system,
      local: [younger],
      keep: 1,
      now: later,
    });
    assert.equal(storage.objects.has(key("base.tar.gz")), false, "what was left goes after a day");
  });
});

Deno.test("open uploads of a killed Holdfast are aborted, recent ones of others are not", async () => {
  await withStorage(async ({ storage, bucket }) => {
    const [mine, others] = ["20260131T093000Z-abcdef", "20260131T093000Z-fedcba"];
    await bucket.beginUpload(`${system}/${mine}/base.tar.gz`, "");
    await bucket.beginUpload(`${system}/${others}/base.tar.gz`, "");
    await bucket.beginUpload(`${system}/holiday.jpg`, "");
    const sweep = (now: number) =>
      sweepUploads({ bucket, signal }, { system, isLocal: (id) => id === mine, now });
    assert.equal(await sweep(Date.now()), 1);
    assert.equal(await sweep(Date.now() + 25 * 3_600_000), 1);
    assert.deepEqual([...storage.uploads.values()].map(({ key }) => key), [
      `${storage.place.prefix}${system}/holiday.jpg`,
    ]);
    storage.meddle(() => new Response(null, { status: 501 }));
    assert.deepEqual(await bucket.openUploads("x/"), [], "a storage that cannot tell");
  });
});

Deno.test("a damaged copy is not fetched, and other content of the same WAL segment is refused", async () => {
  await withCopies([true], async ({ storage, bucket, dir, records }) => {
    const record = records[0]!;
    const inventory = await readInventory(bucket, system);
    const said: string[] = [];
    const fetched = (to: string) =>
      fetchBackup({
        bucket,
        inventory,
        record,
        wal: true,
        to: join(dir, to),
        signal,
        say: (step) => said.push(step),
      });
    await fetched("whole");
    assert.deepEqual(
      [...Deno.readDirSync(join(dir, "whole", system, "wal"))].length,
      inventory.wal.size,
    );
    assert.match(
      said.join("\n"),
      /fetching base\.tar\.gz, [\d.]+ k?B\n.*backup_manifest.*\n.*2 WAL/,
    );
    storage.flip(`${storage.place.prefix}${system}/${record.id}/base.tar.gz`, 4_000);
    await assert.rejects(() => fetched("damaged"), /base\.tar\.gz of the copy is damaged/);
    const name = segmentOf(1, 2n * 16n * BigInt(MiB), 16 * MiB);
    const other = { system, archive: dir, name, file: `${name}.${"0".repeat(64)}.gz` };
    await assert.rejects(
      () => copyWal({ bucket, inventory, signal }, { ...other, sha256: "0".repeat(64) }),
      /is in the storage with other content/,
    );
  });
});

Deno.test("a gap in the copied WAL is reported before the recovery", async () => {
  await withCopies([true, false, false], async ({ bucket, dir, records }) => {
    const inventory = await readInventory(bucket, system);
    const name = segmentOf(1, 3n * 16n * BigInt(MiB), 16 * MiB);
    for (const [file, one] of inventory.wal) if (one.name === name) inventory.wal.delete(file);
    const said: string[] = [];
    await fetchBackup({
      bucket,
      inventory,
      record: records.at(-1)!,
      wal: true,
      to: join(dir, "gap"),
      signal,
      say: (step) => said.push(step),
    });
    assert.equal(
      said.at(-1),
      `WAL segment ${name} is missing from the copy: recovery ends before it`,
    );
  });
});

Deno.test("the backoff starts with the next cycle and doubles up to half an hour", () => {
  assert.deepEqual([0, 1, 2, 3, 9].map((failures) => backoffMs(failures) / 60_000), [
    0,
    0,
    1,
    3,
    30,
  ]);
});

Deno.test("a backup whose copy newer ones of another instance push out is not sent again and again", async () => {
  await withCopies([true, true, true], async ({ storage, bucket, dir, records }) => {
    const [, , oldest] = records;
    assert.ok(oldest);
    const tracker = new CopyTracker(0);
    const context: CopyContext = {
      bucket,
      inventories: createInventoryCache({
        bucket,
        localIds: () => new Set([oldest.id]),
        signal,
        now: () => 0,
        log,
      }),
      repository: { pathOf: () => dir },
      catalogue: {
        records: () => [oldest],
        refresh: () => Promise.resolve(undefined),
        archiveOf: () => dir,
      },
      tracker,
      keep: 2,
      now: () => Date.parse("2026-02-01T00:00:00Z"),
      signal,
      log,
      onChange: () => {},
    };
    await copyBackups(context, system);
    assert.deepEqual(storage.find(oldest.id), [], "the retention removes its copy");
    storage.asked.splice(0);
    await copyBackups(context, system);
    await copyBackups(context, system);
    assert.deepEqual(storage.asked.filter(({ method }) => method === "PUT"), []);
    assert.equal(tracker.stateOf(oldest, context.inventories.last(), undefined).state, "none");
  });
});
