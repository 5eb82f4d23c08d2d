import type { WriteState } from "./state.ts";

/**
 * Whether a server that takes no writes is a fault: always, but for a standby that Holdfast was started beside, and for the
 * moment in which it is prepared after its promotion.
 */
export const isOutage = ({ mode, wrote, unprepared }: WriteState): boolean =>
  mode === "read_only" || mode === "watch_only" && (wrote || unprepared);

interface WriteCheck {
  name: string;
  status: "healthy" | "degraded" | "unhealthy";
  detail: string;
  observed_at: string;
}

/** What the health report says of writing; nothing while all is written. */
export function writeChecks(state: WriteState): WriteCheck[] {
  const { mode, since, reason, remedy, warning, schema } = state;
  const name = "write_access";
  const observed_at = new Date(since).toISOString();
  if (mode === "writing") {
    return warning === null ? [] : [{ name, status: "degraded", detail: warning, observed_at }];
  }
  const outage = isOutage(state);
  return [{
    name,
    status: outage ? "unhealthy" : "healthy",
    detail: outage
      ? `${reason}, since ${observed_at}. ${remedy}`
      : `${reason}. Holdfast only watches it, and keeps its own records in memory${
        schema ? "" : "; it has no holdfast schema, so no policies are known"
      }`,
    observed_at,
  }];
}

/** Why requests that write cannot be served; undefined when they can, or when nobody expects it. */
export function notReadyForWrites(state: WriteState): string | undefined {
  return isOutage(state) ? `${state.reason}. ${state.remedy}` : undefined;
}
