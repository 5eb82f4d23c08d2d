import type { Config } from "../../../config/config.ts";
import { migrate } from "../../../db/migrate.ts";
import { migrations } from "../../../db/migrations/list.ts";
import { createPool } from "../../../db/pool/pool.ts";
import { changeApplication } from "../../../db/rehearsals/effects.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { createConversions } from "../../partitions/rewrite/service.ts";
import { createPolicies } from "../../partitions/policy_service.ts";
import type { CopyPair } from "../copy/pair.ts";
import type { Convert } from "./carry_out.ts";

/** Steps after which a conversion that has not ended counts as failed. */
const stepsMax = 200;
const waitMs = 250;

/** Returns a function that converts a table of copy `b` with the planner and the steps of production's conversions. */
export function createConvert(
  { copies, config, clock, log }: { copies: CopyPair; config: Config; clock: Clock; log: Logger },
): Convert {
  return async ({ table, keyColumn, policy }, signal) => {
    const pool = createPool({
      // Triggers and constraints run functions as the role that writes: never as a superuser.
      target: copies.target("b"),
      max: 3,
      waitingMax: 20,
      pooler: { pooled: false },
      applicationName: changeApplication,
      statementTimeoutMs: 3_600_000,
      lockTimeoutMs: 10_000,
    });
    const conversions = createConversions({
      pool,
      policies: createPolicies({ pool, config, onChange: () => {} }),
      config,
      clock,
      log,
      goesOn: false,
    });
    try {
      // The backup may be of an older Holdfast.
      await pool.run((sql) => migrate(sql, migrations), { deadlineMs: 120_000 });
      const input = { table, keyColumn, widenKeys: true, policy };
      const { digest, refusals } = await conversions.plan(input);
      if (refusals.length > 0) {
        throw new HoldfastError(
          "conflict",
          `The change failed: ${table} cannot be converted: ${refusals.join("; ")}`,
        );
      }
      const { id } = await conversions.start(input, digest);
      const phaseOf = async () => {
        const found = (await conversions.list()).find((move) => move.id === id);
        return { phase: found?.phase ?? "failed", error: found?.error ?? null };
      };
      for (let step = 0; step < stepsMax; step++) {
        signal.throwIfAborted();
        await conversions.advance();
        const { phase, error } = await phaseOf();
        if (phase === "finished") return;
        if (phase === "failed" || phase === "undone" || phase === "cancelled") {
          throw new HoldfastError(
            "conflict",
            `The change failed: the conversion ${phase}: ${error}`,
          );
        }
        if (phase === "swapped") await conversions.act(table, "finish");
        else await new Promise((done) => setTimeout(done, waitMs));
      }
      throw new HoldfastError(
        "conflict",
        `The change failed: the conversion did not end within ${stepsMax} steps`,
      );
    } finally {
      await conversions.stop();
      await pool.end();
    }
  };
}
