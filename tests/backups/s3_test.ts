import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { readConfig } from "../../config/config.ts";
import { StartError } from "../../errors.ts";
import { openBucket } from "../../services/backups/s3/client/bucket.ts";
import { copyBackup, putRecord, retireCopies } from "../../services/backups/s3/transfer.ts";
import { fetchBackup, readStorage, recordsOf } from "../../services/backups/s3/fetch.ts";
import { readInventory } from "../../services/backups/s3/inventory.ts";
import { readKey } from "../../services/backups/s3/names.ts";
import { partSize, uploadFile } from "../../services/backups/s3/client/upload.ts";
import {
  fileOf,
  MiB,
  noise,
  recordAt,
  retries,
  sha256,
  signal,
  system,
  withStorage,
} from "../helpers/copies.ts";
import { startS3rver } from "../helpers/s3rver.ts";
import { signatureOf, startStorage } from "../helpers/storage.ts";

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(await new Blob(all as BlobPart[]).arrayBuffer());
}

Deno.test("the test storage checks signatures as in AWS's own example", () => {
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

Deno.test("a file is uploaded in one piece or in bounded parts, and downloads identically", async () => {
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

Deno.test("a failed upload is aborted and leaves no object", async () => {
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
    assert.equal(tries.length, retries.attempts, "a bounded number of tries");
    assert.deepEqual([storage.objects.size, storage.uploads.size], [0, 0]);
  });
});

Deno.test("a damaged local file is not copied", async () => {
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

Deno.test("a refusal is explained, not retried, and shows no secret", async () => {
  await withStorage(async ({ storage }) => {
    const { place } = storage;
    const refusal = async (other: Partial<typeof place>) => {
      storage.asked.splice(0);
      const bucket = openBucket({ place: { ...place, ...other }, retries });
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

Deno.test("transient failures are retried a bounded number of times", async () => {
  const storage = startStorage();
  const bucket = openBucket({ place: storage.place, retries });
  let bad = 2;
  storage.meddle(() => bad-- > 0 ? new Response(null, { status: 500 }) : undefined);
  assert.deepEqual(await bucket.list(""), []);
  await storage.stop();
  await assert.rejects(() => bucket.list(""), /The storage at 127\.0\.0\.1:\d+ cannot be reached/);
});

Deno.test("an interrupted download continues where it broke off, unless the object was replaced", async () => {
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

Deno.test("lists are read to their last page, and only Holdfast's own names are recognized", async () => {
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

Deno.test("storage settings are all or none, need TLS over the network, and show no secret", () => {
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

Deno.test("an independent S3 implementation stores and returns copies", async () => {
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
    const bucket = openBucket({ place, retries });
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
    const stranger = openBucket({ place: { ...place, secretAccessKey: "another" }, retries });
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

Deno.test("a list that is cut off without a mark to go on is an error, not a short list", async () => {
  await withStorage(async ({ storage, bucket }) => {
    storage.meddle(({ method, key }) =>
      method === "GET" && key === ""
        ? new Response(
          "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        )
        : undefined
    );
    await assert.rejects(() => bucket.list("", signal), /cut the list of objects off/);
  });
});

Deno.test("the end of a large upload may take minutes, other requests may not", async () => {
  const place = {
    endpoint: "https://s3.example.com",
    bucket: "backups",
    prefix: "",
    region: "us-east-1",
    accessKeyId: "a",
    secretAccessKey: "b",
  };
  const delays: number[] = [];
  const original = globalThis.setTimeout;
  const record = (work: () => void, ms: number) => {
    delays.push(ms);
    return original(work, ms);
  };
  globalThis.setTimeout = record as typeof setTimeout;
  try {
    const bucket = openBucket({ place, send: () => Promise.resolve(new Response("")) });
    await bucket.endUpload({ key: "a", id: "1" }, ["t"]);
    await bucket.remove("a");
  } finally {
    globalThis.setTimeout = original;
  }
  const [end = 0, other = 0] = delays;
  assert.ok(end >= 600_000 && other < 60_000, delays.join(", "));
});
