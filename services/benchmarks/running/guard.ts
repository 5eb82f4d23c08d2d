import { countForeignActive } from "../../../db/benchmarks/server.ts";
import type { Sql } from "../../../db/connection.ts";
import { HoldfastError } from "../../../errors.ts";

/** Foreign sessions at work beyond which figures would mislead, and the benchmark would be in the way. */
const foreignActiveMax = 3;
/** One look may catch a burst; three in a row that all find work are a busy server. */
const looks = 3;
const betweenLooksMs = 100;

/** Throws `server_busy` when others keep the server busy. */
export async function refuseWhenBusy(sql: Sql): Promise<void> {
  let active = 0;
  for (let look = 0; look < looks; look++) {
    active = await countForeignActive(sql);
    if (active <= foreignActiveMax) return;
    await new Promise((done) => setTimeout(done, betweenLooksMs));
  }
  throw new HoldfastError(
    "server_busy",
    `The server runs ${active} statements of others: figures would mislead (force overrides)`,
    { retryAfterSeconds: 60 },
  );
}
