import assert from "node:assert/strict";
import { join } from "node:path";
import { createBackupRepository } from "../../services/backups/repository.ts";
import { fileOf, noise, recordAt } from "../helpers/copies.ts";

/** A repository in a folder of its own. */
async function withRepository(
  work: (repository: ReturnType<typeof createBackupRepository>) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-repository-" });
  try {
    await work(createBackupRepository(join(dir, "backups")));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a backup whose folder or file was taken away while it was written is never published", async () => {
  await withRepository(async (repository) => {
    const folder = await repository.begin(recordAt(0, false, {}));
    const { expected } = await fileOf(folder, "base.tar.gz", noise(1_000));
    const record = recordAt(0, false, { "base.tar.gz": expected });
    await Deno.remove(join(folder, "base.tar.gz"));
    await assert.rejects(() => repository.publish(record), /base\.tar\.gz is gone/);
    await Deno.remove(folder, { recursive: true });
    await assert.rejects(() => repository.publish(record));
    await assert.rejects(() => repository.publish({ ...record, files: {} }), /ENOENT|No such file/);
    assert.deepEqual(await repository.list(), []);
  });
});

Deno.test("the result of a check does not bring a removed backup back", async () => {
  await withRepository(async (repository) => {
    const record = recordAt(0, false, {});
    await repository.begin(record);
    await repository.publish(record);
    await repository.remove(record);
    await assert.rejects(() => repository.save(record), /was removed meanwhile/);
    assert.deepEqual(await repository.list(), []);
  });
});

Deno.test("a database removes only its own unfinished backups from the folder of a shared server", async () => {
  await withRepository(async (repository) => {
    const [first, second] = ["one", "two"].map((database, hour) => ({
      ...recordAt(hour, false, {}),
      database,
    }));
    assert.ok(first && second);
    await repository.begin(first);
    assert.deepEqual(await repository.sweep(second), []);
    await repository.publish(first);
    await repository.begin(second);
    assert.equal((await repository.sweep(second)).length, 1);
    assert.deepEqual((await repository.list()).map(({ id }) => id), [first.id]);
  });
});
