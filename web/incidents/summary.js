// One incident as text for a chat. Pure.
import { waitingBehind } from "../activity/lock_tree.js";
import { changeWords } from "../history/change_words.js";
import { clock, dateTime, duration } from "../lib/format.js";

/** Says which alert fired, when, who was at the root of the locks, and what changed. */
export function summaryOf(incident) {
  const alert = incident.alerts[0] ?? {};
  const worst =
    incident.blocking.toSorted((a, b) =>
      b.roots.reduce((sum, one) => sum + waitingBehind(one), 0) -
      a.roots.reduce((sum, one) => sum + waitingBehind(one), 0)
    )[0];
  return [
    `${alert.severity ?? "alert"}: ${alert.message ?? incident.id}`,
    `from ${dateTime(alert.started_at ?? incident.opened_at)} UTC${
      alert.resolved_at
        ? ` for ${duration((Date.parse(alert.resolved_at) - Date.parse(alert.started_at)) / 1000)}`
        : ""
    }`,
    ...(alert.cause ? [`likely cause: ${alert.cause}`] : []),
    ...(worst
      ? worst.roots.slice(0, 3).map((one) =>
        `pid ${one.pid} (${one.application ?? one.user ?? "unknown"}) blocked ${
          waitingBehind(one)
        }: ${one.query ?? ""}`
      )
      : []),
    ...incident.changes.slice(0, 5).map((change) =>
      `changed ${clock(change.at)}: ${changeWords(change)}`
    ),
  ].join("\n");
}
