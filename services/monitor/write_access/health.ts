import type { WriteState } from "./state.ts";

/**
 * Returns whether it is a fault that the server takes no writes. It is none on a standby that Holdfast was started with, nor
 * while that server is prepared after its promotion. Pure.
 */
export const isOutage = ({ mode, wrote, unprepared }: WriteState): boolean =>
  mode === "read_only" || mode === "watch_only" && (wrote || unprepared);

interface WriteCheck {
  name: string;
  status: "healthy" | "degraded" | "unhealthy";
  detail: string;
  observed_at: string;
}

/** Returns the check of writing; none while the server takes writes and will go on to. Pure. */
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
      : `${reason}. Holdfast monitors it and keeps its own records in memory${
        schema ? "" : "; the server has no holdfast schema, so no policies are known"
      }`,
    observed_at,
  }];
}

/** Returns why requests that write cannot be served; undefined when they can, or on a standby. Pure. */
export function notReadyForWrites(state: WriteState): string | undefined {
  return isOutage(state) ? `${state.reason}. ${state.remedy}` : undefined;
}
