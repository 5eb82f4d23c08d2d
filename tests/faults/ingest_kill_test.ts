import assert from "node:assert/strict";
import { createFleet } from "../helpers/fleet.ts";
import { assertExactlyOnce, awaitProgress, startLoad } from "../helpers/load.ts";
import { postmastersOf, type ServeProcess } from "../helpers/process.ts";

/** Rounds of each kind; two in the suite, `HOLDFAST_FAULT_ROUNDS=20` for the proof in docs/performance.md. */
const rounds = Number(Deno.env.get("HOLDFAST_FAULT_ROUNDS") ?? 2);
const { start, newDataDir, clear } = createFleet();

Deno.test.afterAll(clear);

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

Deno.test(`the postmaster killed ${rounds} times amid uploads: each acknowledged row is there once`, async () => {
  const dir = await newDataDir();
  const holdfast = start(dir);
  await holdfast.ready();
  const load = startLoad(() => holdfast.url);
  for (let round = 0; round < rounds; round++) {
    // The moment is what varies between rounds; nothing waits for a result here.
    await pause(200 + Math.random() * 1_500);
    for (const { pid } of await postmastersOf(dir)) Deno.kill(pid, "SIGKILL");
    await awaitProgress(load);
  }
  await load.stop();
  const rows = await assertExactlyOnce(dir, load);
  console.error(
    `${rows} rows in ${load.acknowledged.size} batches, ${rounds} kills of the postmaster`,
  );
  assert.equal(holdfast.logged("internal").length, 0);
  holdfast.interrupt();
  assert.equal(await holdfast.exited, 0);
});

Deno.test(`Holdfast killed ${rounds} times amid uploads: each acknowledged row is there once`, async () => {
  const dir = await newDataDir();
  let holdfast: ServeProcess = start(dir);
  await holdfast.ready();
  const load = startLoad(() => holdfast.url);
  for (let round = 0; round < rounds; round++) {
    await pause(200 + Math.random() * 1_500);
    holdfast.kill("SIGKILL");
    await holdfast.exited;
    holdfast = start(dir);
    await holdfast.ready();
  }
  await pause(500);
  await load.stop();
  const rows = await assertExactlyOnce(dir, load);
  console.error(`${rows} rows in ${load.acknowledged.size} batches, ${rounds} kills of Holdfast`);
  holdfast.interrupt();
  assert.equal(await holdfast.exited, 0);
});
