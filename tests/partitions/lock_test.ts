import assert from "node:assert/strict";
import type { Sql } from "../../db/connection.ts";
import { holdRotationLock } from "../../db/partitions/lock.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { eventually } from "../helpers/eventually.ts";

Deno.test("a rotation whose lock is lost ends with an error of its own, and no other", async () => {
  let refused = 0;
  let isLost = false;
  /** A client as a pool lends it: it throws at once after a loss. */
  const sql = () => {
    if (isLost) {
      refused++;
      throw new HoldfastError("database_unavailable", "The connection to the database was lost");
    }
    return Object.assign(Promise.resolve([]), { simple: () => Promise.resolve([]) });
  };
  const pool = {
    async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
      const answer = await work(sql as unknown as Sql);
      sql(); // the commit
      return answer;
    },
  } as Pool;
  await assert.rejects(
    holdRotationLock(pool, 1_000, async () => {
      isLost = true;
      await eventually(() => refused > 0, "the session was found lost");
    }),
    /The connection to the database was lost/,
  );
});
