import { countForeignActive } from "../../../db/activity/sessions.ts";
import type { Sql } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";

/** With more active foreign sessions the figures would mislead and the benchmark would slow others down. */
const foreignActiveMax = 3;
/** One sample may catch a burst; three busy ones in a row are a busy server. */
const samples = 3;
const betweenSamplesMs = 100;

/** Throws `server_busy` when foreign sessions keep the server busy. */
export async function refuseWhenBusy(sql: Sql): Promise<void> {
  let active = 0;
  for (let sample = 0; sample < samples; sample++) {
    active = await countForeignActive(sql);
    if (active <= foreignActiveMax) return;
    await new Promise((done) => setTimeout(done, betweenSamplesMs));
  }
  throw new HoldfastError(
    "server_busy",
    `The server runs ${active} statements of other sessions, so figures would mislead; force=true overrides this`,
    { retryAfterSeconds: 60 },
  );
}
