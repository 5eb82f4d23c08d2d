import assert from "node:assert/strict";
import { join } from "node:path";
import { createLogger } from "../../log.ts";
import { createBackupCatalogue } from "../../services/backups/catalogue.ts";
import type { BackupRecord } from "../../services/backups/record.ts";
import { createBackupRepository } from "../../services/backups/repository.ts";
import { retire } from "../../services/backups/retention.ts";
import { recordAt, system } from "../helpers/copies.ts";

const log = createLogger({ level: "error", write: () => {} });

/** A catalogue of a folder with these backups; notes the first segment that each prune kept. */
async function withCatalogue(
  records: readonly BackupRecord[],
  work: (given: {
    catalogue: ReturnType<typeof createBackupCatalogue>;
    root: string;
    kept: (string | undefined)[];
  }) => Promise<void>,
  database = "holdfast",
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "holdfast-catalogue-" });
  const repository = createBackupRepository(root);
  const kept: (string | undefined)[] = [];
  try {
    for (const record of records) {
      await repository.begin(record);
      await repository.publish(record);
    }
    const catalogue = createBackupCatalogue({
      repository,
      archiver: { prune: (_, first) => Promise.resolve(void kept.push(first)) },
      database: () => database,
      keep: 2,
      now: () => Date.parse("2026-02-01T00:00:00Z"),
      log,
    });
    await catalogue.refresh();
    await work({ catalogue, root, kept });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const idsOf = (records: readonly BackupRecord[]) => records.map(({ id }) => id);

Deno.test("after a rollback to an earlier position, the WAL of the new timeline is kept too", async () => {
  const abandoned = recordAt(9, true, {});
  const after = { ...recordAt(10, true, {}), timeline: 2, start_lsn: "0/5000028" };
  await withCatalogue([abandoned, after], async ({ catalogue, kept }) => {
    await catalogue.prune(system);
    assert.deepEqual(kept, ["000000020000000000000005"]);
  });
});

Deno.test("no WAL is removed while the record of a backup cannot be read, nor such a backup", async () => {
  const records = Array.from({ length: 8 }, (_, hour) => recordAt(hour, false, {}));
  await withCatalogue(records.slice(0, 1), async ({ catalogue, root, kept }) => {
    await Deno.writeTextFile(join(root, system, records[0]!.id, "backup.json"), "damaged");
    await catalogue.prune(system);
    assert.deepEqual(kept, []);
    const [listed] = catalogue.records(system);
    assert.deepEqual(listed?.problems, ["backup.json is damaged: its checksum is wrong"]);
  });
  const unreadable = records.map((record): BackupRecord => ({
    ...record,
    status: "corrupt",
    server_version: 0,
    start_lsn: null,
  }));
  assert.deepEqual(retire(unreadable.toReversed(), 1, { now: Date.now() }), []);
});

Deno.test("a record that the disk does not give is not called damaged", async () => {
  await withCatalogue([recordAt(0, false, {})], async ({ catalogue, root }) => {
    const [{ id } = { id: "" }] = catalogue.records();
    const file = join(root, system, id, "backup.json");
    await Deno.remove(file);
    await Deno.mkdir(file);
    await catalogue.refresh();
    assert.match(catalogue.records()[0]?.problems[0] ?? "", /^backup\.json cannot be read: /);
  });
});

Deno.test("dumps of another database of the server neither count as its own nor push them out", async () => {
  const dump = (hour: number, database: string): BackupRecord => ({
    ...recordAt(hour, false, {}),
    kind: "logical",
    database,
    start_lsn: null,
  });
  const own = dump(0, "one");
  const others = [1, 2, 3, 4, 5, 6].map((hour) => dump(hour, "two"));
  await withCatalogue([own, ...others], async ({ catalogue }) => {
    await catalogue.prune(system);
    assert.deepEqual(idsOf(catalogue.records(system)), [own.id]);
    assert.equal(catalogue.records().length, 7);
  }, "one");
});
