/** Statuses of a rehearsal, in their order. */
export const rehearsalStatuses = [
  "queued",
  "restoring",
  "warming",
  "baseline",
  "changing",
  "candidate",
  "done",
  "failed",
  "aborted",
] as const;
export type RehearsalStatus = (typeof rehearsalStatuses)[number];

export const endedStatuses: readonly RehearsalStatus[] = ["done", "failed", "aborted"];

export const isEnded = (status: RehearsalStatus): boolean => endedStatuses.includes(status);

/** Events of a rehearsal: its step is finished, it fails, or it is aborted. */
export type RehearsalEvent = "step_finished" | "failure" | "abort";

/** Returns the next status. An ended rehearsal keeps its status. Pure. */
export function nextStatus(status: RehearsalStatus, event: RehearsalEvent): RehearsalStatus {
  if (isEnded(status)) return status;
  if (event === "failure") return "failed";
  if (event === "abort") return "aborted";
  return rehearsalStatuses[rehearsalStatuses.indexOf(status) + 1] ?? status;
}
