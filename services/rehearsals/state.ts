/** How a rehearsal stands, in the order of its life. */
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

/** What happens to a rehearsal: its present step is finished, it fails, or somebody ends it. */
export type RehearsalEvent = "step_finished" | "failure" | "abort";

/** Returns the status that follows. What has ended stays as it is, whatever comes after. */
export function nextStatus(status: RehearsalStatus, event: RehearsalEvent): RehearsalStatus {
  if (isEnded(status)) return status;
  if (event === "failure") return "failed";
  if (event === "abort") return "aborted";
  return rehearsalStatuses[rehearsalStatuses.indexOf(status) + 1] ?? status;
}
