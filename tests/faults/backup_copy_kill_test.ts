import assert from "node:assert/strict";
import type { Backup } from "../../services/backups/report.ts";
import { eventually } from "../helpers/eventually.ts";
import { createFleet, storeTick } from "../helpers/fleet.ts";
import { slowTests, testWith } from "../helpers/skip.ts";
import { startStorage } from "../helpers/storage.ts";

const { start, newDataDir, clear } = createFleet();

Deno.test.afterAll(clear);

testWith(
  slowTests,
  "kill -9 in the middle of a copy leaves nothing that looks whole; the next start makes it",
  async () => {
    const storage = startStorage();
    const dir = await newDataDir();
    let holdfast = start(dir, storage.env);
    await holdfast.ready();
    await storeTick(holdfast.url);
    const { promise: hangs, resolve: release } = Promise.withResolvers<undefined>();
    let reached = false;
    storage.meddle(({ method, key }) => {
      reached ||= method === "PUT" && key.endsWith("backup_manifest");
      return reached ? hangs : undefined;
    });
    const answer = await fetch(`${holdfast.url}/api/backups`, { method: "POST" });
    const { id } = await answer.json() as Backup;
    await eventually(() => reached, "half of it is there", 60_000);
    const one = await (await fetch(`${holdfast.url}/api/backups/${id}`)).json() as Backup;
    assert.equal(one.copy.state, "copying");
    assert.ok((one.copy.done_bytes ?? 0) > 0 && one.copy.done_bytes! < one.copy.total_bytes!);
    holdfast.kill("SIGKILL");
    await holdfast.exited;
    storage.heal();
    release(undefined);
    assert.deepEqual(storage.find("backup.json"), []);
    const [half = ""] = storage.find("base.tar.gz");
    assert.ok(half.includes(id));
    // As if it had died within an upload in parts.
    storage.uploads.set("left", { key: half, sha256: null, at: new Date(), parts: new Map() });
    holdfast = start(dir, storage.env);
    await holdfast.ready();
    await eventually(
      async () => {
        const answer = await fetch(`${holdfast.url}/api/backups/${id}`);
        const { copy } = await answer.json() as Backup;
        return copy.state === "done";
      },
      "a later turn makes the copy",
      90_000,
    );
    assert.equal(storage.find("backup.json").length, 1);
    assert.equal(storage.uploads.size, 0, "the open upload is aborted");
    holdfast.interrupt();
    assert.equal(await holdfast.exited, 0, holdfast.errors());
    await storage.stop();
  },
);
