import { type CollectorName, tierOf } from "../../../db/collectors/list.ts";
import type { Tier } from "../../../db/collectors/collector.ts";
import type { ServerFacts } from "../../../db/collectors/server/collectors.ts";
import { skewMs } from "../../partitions/restraint/clocks.ts";
import type { Reading, Readings } from "../collect/reading.ts";

/** Returns the mean number of connections that the collectors keep busy: seconds of collecting per second. Pure. */
export function costRatio(readings: Readings, everyMs: Readonly<Record<Tier, number>>): number {
  return Object.entries(readings).reduce((sum, [name, { durationMs }]) => {
    const every = everyMs[tierOf(name as CollectorName)];
    return sum + (durationMs ?? 0) / every;
  }, 0);
}

/**
 * Returns by how much Holdfast's clock is ahead of the server's (negative: behind) beyond the time the answer took, in
 * milliseconds; undefined without a fresh reading. Pure.
 */
export function clockSkewMs(
  server: ServerFacts | undefined,
  { at, durationMs: roundTrip = 0 }: Pick<Reading<unknown>, "at" | "durationMs">,
): number | undefined {
  if (server === undefined || at === undefined) return undefined;
  return skewMs({ own: at - roundTrip / 2, server: server.now_seconds * 1000, roundTrip });
}
