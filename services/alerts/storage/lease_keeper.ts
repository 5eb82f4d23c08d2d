import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { createLoop } from "../../../lib/loop.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import type { Lease } from "./lease.ts";

/** How often the holder renews the lease, and the others check whether it is free; milliseconds. */
const everyMs = 2_000;
/** How often the holder adopts deliveries of Holdfasts that are gone; milliseconds. */
const adoptMs = 10_000;

export interface LeaseKeeper {
  start(): void;
  /** Checks at once, because the lease was released. */
  wake(): void;
  stop(): Promise<void>;
}

/**
 * Creates the loop that keeps the lease: the holder renews it, and the others take over as soon as it is free. `takeOver`
 * synchronizes the alerts with the database, which takes the lease where it is free. `adopt` adopts deliveries.
 */
export function createLeaseKeeper(
  { lease, access, takeOver, adopt, log }: {
    lease: Lease;
    access: Pick<WriteAccess, "canWrite" | "state">;
    takeOver: () => Promise<void>;
    adopt: () => Promise<void>;
    log: Logger;
  },
): LeaseKeeper {
  let adoptedAt = performance.now();

  async function keep(): Promise<void> {
    if (!access.canWrite() || !access.state().schema) return;
    try {
      if (!lease.isHeld()) {
        if (await lease.isFree()) await takeOver();
        return;
      }
      if (!await lease.extend()) await takeOver();
      if (!lease.isHeld() || performance.now() - adoptedAt < adoptMs) return;
      adoptedAt = performance.now();
      await adopt();
    } catch (error) {
      log.debug("lease_not_kept", { error: messageOf(error) });
    }
  }

  const loop = createLoop({ name: "keep_lease", everyMs, job: keep, log });
  let started = false;
  return {
    start() {
      started = true;
      loop.start();
    },
    wake() {
      if (started) void loop.runNow();
    },
    async stop() {
      started = false;
      await loop.stop();
    },
  };
}
