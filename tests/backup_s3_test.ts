import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { readConfig } from "../config.ts";
import { StartError } from "../errors.ts";
import { openBucket } from "../services/backups/copy/bucket.ts";
import {
  copyBackup,
  copyWal,
  putRecord,
  retireCopies,
  sweepUploads,
} from "../services/backups/copy/copying.ts";
import { fetchBackup, readStorage, recordsOf } from "../services/backups/copy/fetch.ts";
import { isWhole, readInventory } from "../services/backups/copy/inventory.ts";
import { readKey } from "../services/backups/copy/names.ts";
import { waitAfter } from "../services/backups/copy/state.ts";
import { partSize, uploadFile } from "../services/backups/copy/upload.ts";
import type { BackupRecord } from "../services/backups/record.ts";
import { segmentOf } from "../services/backups/wal.ts";
import { startS3rver } from "./helpers/s3rver.ts";
import { signatureOf, startStorage, type TestStorage } from "./helpers/storage.ts";

const MiB = 1024 * 1024;
const system = "7450000000000000001";
const { signal } = new AbortController();
const patience = { attempts: 3, firstWaitMs: 1 };

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes that do not repeat. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  }
  return bytes;
}

async function withStorage(
  work: (
    given: { storage: TestStorage; bucket: ReturnType<typeof openBucket>; dir: string },
  ) => Promise<void>,
): Promise<void> {
  const storage = startStorage();
  const dir = await Deno.makeTempDir({ prefix: "holdfast-s3-" });
  try {
    await work({ storage, bucket: openBucket({ place: storage.place, patience }), dir });
  } finally {
    await storage.stop();
    await Deno.remove(dir, { recursive: true });
  }
}

async function fileOf(dir: string, name: string, bytes: Uint8Array) {
  const path = join(dir, name);
  await Deno.writeFile(path, bytes);
  return { path, expected: { bytes: bytes.length, sha256: sha256(bytes) } };
}

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(await new Blob(all as BlobPart[]).arrayBuffer());
}

/** A backup of two small files, proven or not, so many hours after the first. */
function recordAt(hour: number, proven: boolean, files: BackupRecord["files"]): BackupRecord {
  const at = new Date(Date.parse("2026-01-31T00:00:00Z") + hour * 3_600_000);
  const iso = at.toISOString();
  return {
    id: `${iso.replace(/[-:]|\.\d+/g, "")}-${String(hour).padStart(6, "0")}`,
    kind: "base",
    status: "complete",
    system,
    server_version: 180004,
    embedded: true,
    database: "holdfast",
    started_at: iso,
    finished_at: iso,
    duration_seconds: 1,
    start_lsn: `0/${(hour + 2).toString(16).toUpperCase()}000028`,
    end_lsn: `0/${(hour + 2).toString(16).toUpperCase()}000120`,
    timeline: 1,
    segment_bytes: 16 * MiB,
    first_xid: "7",
    bytes: 1,
    raw_bytes: 1,
    files,
    proof: proven ? { at: iso, recovery_seconds: 1, problems: [], notes: [] } : null,
    verified_at: null,
    problems: [],
  };
}

Deno.test("the storage of these tests judges a signature as AWS's own example has it", () => {
  const empty = sha256(new Uint8Array());
  assert.equal(
    signatureOf({
      method: "GET",
      path: "/test.txt",
      query: [],
      headers: {
        host: "examplebucket.s3.amazonaws.com",
        range: "bytes=0-9",
        "x-amz-content-sha256": empty,
        "x-amz-date": "20130524T000000Z",
      },
      payload: empty,
      date: "20130524T000000Z",
      region: "us-east-1",
      secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }),
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
});

Deno.test("a file goes in one piece or in parts of bounded size, and comes back byte for byte", async () => {
  await withStorage(async ({ storage, bucket, dir }) => {
    const partBytes = 5 * MiB;
    for (const size of [0, 1, partBytes, 2 * partBytes, 2 * partBytes + 77]) {
      const bytes = noise(size);
      const { path, expected } = await fileOf(dir, "base.tar.gz", bytes);
      let told = 0;
      await uploadFile({
        bucket,
        key: "a/b",
        path,
        expected,
        partBytes,
        signal,
        onBytes: (sent) => told += sent,
      });
      assert.equal(told, size);
      assert.equal(sha256(await gather(bucket.read("a/b", signal))), expected.sha256, `${size}`);
    }
    const largest = Math.max(...storage.asked.map(({ bytes }) => bytes));
    assert.equal(largest, partBytes, "no request holds more than a part");
    assert.equal(storage.uploads.size, 0);
  });
  assert.equal(partSize(100 * 1024 ** 3, 16 * MiB), 16 * MiB);
  const tib = 1024 ** 4;
  assert.ok(partSize(5 * tib, 16 * MiB) * 10_000 >= 5 * tib);
  assert.ok(partSize(tib, 16 * MiB) < 128 * MiB);
});

Deno.test("an upload that dies half-way is aborted, and nothing stands in its place", async () => {
  await withStorage(async ({ storage, bucket, dir }) => {
    const { path, expected } = await fileOf(dir, "base.tar.gz", noise(11 * MiB));
    storage.meddle(({ query }) =>
      query.get("partNumber") === "2" ? new Response(null, { status: 503 }) : undefined
    );
    await assert.rejects(
      () => uploadFile({ bucket, key: "k", path, expected, partBytes: 5 * MiB, signal }),
      /The storage refused PUT k: 503/,
    );
    const tries = storage.asked.filter(({ query }) => query.get("partNumber") === "2");
    assert.equal(tries.length, patience.attempts, "a bounded number of tries");
    assert.deepEqual([storage.objects.size, storage.uploads.size], [0, 0]);
  });
});

Deno.test("a file that is damaged here is not copied", async () => {
  await withStorage(async ({ storage, bucket, dir }) => {
    for (const size of [1_000, 11 * MiB]) {
      const { path, expected } = await fileOf(dir, "base.tar.gz", noise(size));
      const file = await Deno.open(path, { write: true });
      await file.seek(size - 5, Deno.SeekMode.Start);
      await file.write(new Uint8Array([1, 2, 3]));
      file.close();
      await assert.rejects(
        () => uploadFile({ bucket, key: "k", path, expected, partBytes: 5 * MiB, signal }),
        /base\.tar\.gz is damaged here/,
      );
      assert.deepEqual([storage.objects.size, storage.uploads.size], [0, 0]);
    }
  });
});

Deno.test("a refusal is named by what it means, not tried again, and repeats no secret", async () => {
  await withStorage(async ({ storage }) => {
    const { place } = storage;
    const refusal = async (other: Partial<typeof place>) => {
      storage.asked.splice(0);
      const bucket = openBucket({ place: { ...place, ...other }, patience });
      const error = await bucket.list("").then(() => undefined, (error) => error);
      assert.equal(storage.asked.length, 1);
      assert.doesNotMatch(error.message, /what was signed|wrong one|AKID/);
      return error.message;
    };
    assert.match(
      await refusal({ secretAccessKey: "the wrong one" }),
      /the secret access key is another \(SignatureDoesNotMatch\)/,
    );
    assert.match(await refusal({ accessKeyId: "AKIDX" }), /the access key is not known there/);
    assert.match(await refusal({ region: "us-west-1" }), /in another region/);
    assert.match(await refusal({ bucket: "nowhere" }), /there is no such bucket/);
  });
});

Deno.test("what may go better next time is tried again, a bounded number of times", async () => {
  const storage = startStorage();
  const bucket = openBucket({ place: storage.place, patience });
  let bad = 2;
  storage.meddle(() => bad-- > 0 ? new Response(null, { status: 500 }) : undefined);
  assert.deepEqual(await bucket.list(""), []);
  await storage.stop();
  await assert.rejects(() => bucket.list(""), /The storage at 127\.0\.0\.1:\d+ cannot be reached/);
});

Deno.test("a download that breaks goes on where it broke; one of an object that was replaced does not", async () => {
  await withStorage(async ({ storage, bucket }) => {
    const bytes = noise(300_000);
    await bucket.put("k", bytes, sha256(bytes));
    const full = `${storage.place.prefix}k`;
    const cut = () => {
      let first = true;
      storage.meddle(({ method, key }) => {
        if (method !== "GET" || key !== full || !first) return undefined;
        first = false;
        const stream = new ReadableStream({
          start(controller) {
            controller.enqueue(bytes.subarray(0, 100_000));
            setTimeout(() => controller.close(), 50);
          },
        });
        const { tag } = storage.objects.get(full)!;
        return new Response(stream, { headers: { etag: tag, "content-length": "300000" } });
      });
    };
    cut();
    assert.equal(sha256(await gather(bucket.read("k"))), sha256(bytes));
    cut();
    await assert.rejects(async () => {
      for await (const _ of bucket.read("k")) {
        await bucket.put("k", noise(300_000), sha256(bytes));
      }
    }, /PreconditionFailed/);
  });
});

Deno.test("lists are read to their end; only what is ours by name is seen as ours", async () => {
  await withStorage(async ({ storage, bucket }) => {
    for (let n = 0; n < 10; n++) await bucket.put(`x/${n}`, new Uint8Array(n), "");
    storage.objects.set("elsewhere/x/1", storage.objects.get(`${storage.place.prefix}x/1`)!);
    assert.deepEqual((await bucket.list("x/")).map(({ key, bytes }) => [key, bytes]), [
      ...Array.from({ length: 10 }, (_, n) => [`x/${n}`, n]),
    ]);
  });
  assert.deepEqual(readKey("1/20260131T093000Z-abcdef/base.tar.gz")?.kind, "backup");
  assert.deepEqual(
    readKey(`1/wal/000000010000000000000002.${"a".repeat(64)}.gz`)?.kind,
    "wal",
  );
  for (
    const foreign of [
      "1/20260131T093000Z-abcdef/notes.txt",
      "1/20260131T093000Z-abcdef/a/base.tar.gz",
      "1/wal/readme",
      "x/20260131T093000Z-abcdef/base.tar.gz",
      "../1/20260131T093000Z-abcdef/base.tar.gz",
    ]
  ) assert.equal(readKey(foreign), undefined, foreign);
  fc.assert(fc.property(fc.string(), (text) => {
    assert.equal(readKey(text), undefined);
    assert.equal(readKey(`1/${text}`), undefined);
  }));
});

/** Copies of backups taken at these hours, and WAL from the first on. */
async function withCopies(
  states: boolean[],
  work: (given: {
    storage: TestStorage;
    bucket: ReturnType<typeof openBucket>;
    dir: string;
    records: BackupRecord[];
  }) => Promise<void>,
): Promise<void> {
  await withStorage(async ({ storage, bucket, dir }) => {
    const inventory = await readInventory(bucket, system);
    const copying = { bucket, inventory, signal };
    const files: BackupRecord["files"] = {};
    for (const name of ["base.tar.gz", "backup_manifest"]) {
      files[name] = (await fileOf(dir, name, noise(5_000))).expected;
    }
    const records = states.map((proven, hour) => recordAt(hour, proven, files));
    for (const record of records) {
      const given = { record, path: dir, partBytes: undefined, onBytes: () => {} };
      await copyBackup(copying, given);
    }
    for (let n = 2; n < states.length + 3; n++) {
      const name = segmentOf(1, BigInt(n) * 16n * BigInt(MiB), 16 * MiB);
      const bytes = noise(100);
      const file = `${name}.${sha256(bytes)}.gz`;
      await fileOf(dir, file, bytes);
      await copyWal(copying, { system, archive: dir, name, file, sha256: sha256(bytes) });
    }
    await work({ storage, bucket, dir, records: records.reverse() });
  });
}

Deno.test("copies go by the rule of retention alone: when the disk here is lost, they stay", async () => {
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

Deno.test("half a copy is never whole: not while it is made, nor while it is removed", async () => {
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
    assert.ok(isWhole(inventory.backups.get(record!.id)));
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

Deno.test("uploads that a killed Holdfast left open are aborted, others' are not", async () => {
  await withStorage(async ({ storage, bucket }) => {
    const [mine, others] = ["20260131T093000Z-abcdef", "20260131T093000Z-fedcba"];
    await bucket.beginUpload(`${system}/${mine}/base.tar.gz`, "");
    await bucket.beginUpload(`${system}/${others}/base.tar.gz`, "");
    await bucket.beginUpload(`${system}/holiday.jpg`, "");
    const sweep = (now: number) =>
      sweepUploads({ bucket, signal }, { system, mine: (id) => id === mine, now });
    assert.equal(await sweep(Date.now()), 1);
    assert.equal(await sweep(Date.now() + 25 * 3_600_000), 1);
    assert.deepEqual([...storage.uploads.values()].map(({ key }) => key), [
      `${storage.place.prefix}${system}/holiday.jpg`,
    ]);
    storage.meddle(() => new Response(null, { status: 501 }));
    assert.deepEqual(await bucket.openUploads("x/"), [], "a storage that cannot tell");
  });
});

Deno.test("a damaged copy is not fetched, and WAL of another server is not mixed in", async () => {
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
    assert.match(said.join("\n"), /fetching base\.tar\.gz, 0\.0 MB\n.*backup_manifest.*\n.*2 WAL/);
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

Deno.test("a gap in the copied WAL is said before anything is recovered", async () => {
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

Deno.test("after failures it is tried at the next turn, then ever more rarely", () => {
  assert.deepEqual([0, 1, 2, 3, 9].map((failures) => waitAfter(failures) / 60_000), [
    0,
    0,
    1,
    3,
    30,
  ]);
});

Deno.test("settings of the storage: all or none, nothing in clear over the network, no secret shown", () => {
  const all = {
    HOLDFAST_S3_URL: "https://s3.example.com/bucket/some/folder",
    HOLDFAST_S3_ACCESS_KEY_ID: "AKID",
    HOLDFAST_S3_SECRET_ACCESS_KEY: "hunter2hunter2",
  };
  assert.equal(readConfig(all).HOLDFAST_S3_REGION, "us-east-1");
  const refusal = (env: Record<string, string>) => {
    try {
      readConfig({ ...all, ...env });
    } catch (error) {
      assert.ok(error instanceof StartError);
      assert.doesNotMatch(error.message, /hunter2/);
      return error.message;
    }
    assert.fail(`${JSON.stringify(env)} was accepted`);
  };
  assert.match(
    refusal({ HOLDFAST_S3_SECRET_ACCESS_KEY: "" }),
    /^HOLDFAST_S3_SECRET_ACCESS_KEY not set; allowed: all of/,
  );
  assert.match(refusal({ HOLDFAST_S3_URL: "" }), /^HOLDFAST_S3_URL not set/);
  const plain = { HOLDFAST_S3_URL: "http://10.0.0.7:9000/bucket" };
  assert.match(refusal(plain), /leads to 10\.0\.0\.7 by plain http; allowed: https/);
  assert.ok(readConfig({ ...all, ...plain, HOLDFAST_S3_INSECURE: "1" }));
  assert.ok(readConfig({ ...all, HOLDFAST_S3_URL: "http://[::1]:9000/bucket" }));
  for (
    const url of [
      "https://me:hunter2@s3.example.com/bucket",
      "https://s3.example.com/",
      "https://s3.example.com/bucket/../other",
      "https://s3.example.com/bucket/%2e%2e/x",
      "https://s3.example.com/bucket?versions",
      "s3://bucket",
    ]
  ) {
    const message = refusal({ HOLDFAST_S3_URL: url });
    assert.match(message, /^HOLDFAST_S3_URL is \(hidden\); allowed: a URL such as/, url);
  }
});

Deno.test("a storage that others have written takes copies and gives them back", async () => {
  const other = await startS3rver();
  if (!other) return;
  const dir = await Deno.makeTempDir({ prefix: "holdfast-s3-" });
  try {
    const place = {
      endpoint: other.endpoint,
      bucket: "backups",
      prefix: "some/folder/",
      region: "eu-central-1",
      accessKeyId: other.key,
      secretAccessKey: other.key,
    };
    const bucket = openBucket({ place, patience });
    const inventory = await readInventory(bucket, system);
    assert.equal(inventory.backups.size, 0);
    const bytes = noise(11 * MiB);
    const { expected } = await fileOf(dir, "base.tar.gz", bytes);
    const manifest = await fileOf(dir, "backup_manifest", noise(300_000));
    const record = recordAt(1, true, {
      "base.tar.gz": expected,
      backup_manifest: manifest.expected,
    });
    await copyBackup({ bucket, inventory, signal }, {
      record,
      path: dir,
      partBytes: 5 * MiB,
      onBytes: () => {},
    });
    const storage = await readStorage(bucket, signal);
    assert.deepEqual(recordsOf(storage), [record]);
    await fetchBackup({
      bucket,
      inventory: storage.get(system)!,
      record,
      wal: true,
      to: join(dir, "fetched"),
      signal,
      say: () => {},
    });
    const fetched = await Deno.readFile(join(dir, "fetched", system, record.id, "base.tar.gz"));
    assert.equal(sha256(fetched), expected.sha256);
    assert.deepEqual(await bucket.openUploads(""), [], "this one cannot tell");
    const stranger = openBucket({ place: { ...place, secretAccessKey: "another" }, patience });
    await assert.rejects(() => stranger.list(""), /the secret access key is another/);
    const younger = recordAt(2, true, record.files);
    await putRecord({ bucket, inventory, signal }, younger);
    const all = await readInventory(bucket, system);
    all.backups.get(younger.id)!.files = all.backups.get(record.id)!.files;
    const now = Date.now();
    const gone = await retireCopies({ bucket, inventory: all, signal }, {
      system,
      local: [],
      keep: 1,
      now,
    });
    assert.deepEqual(gone, [record.id]);
    assert.deepEqual((await bucket.list("")).map(({ key }) => key), [
      `${system}/${younger.id}/backup.json`,
    ]);
  } finally {
    await other.stop();
    await Deno.remove(dir, { recursive: true });
  }
});
