// Words for a change of the server. Pure.

const KINDS = {
  mark: "mark",
  ddl: "DDL",
  setting: "setting",
  index: "index",
  plan: "plan changed:",
  server_start: "Postgres started",
  holdfast_start: "Holdfast started",
  statistics_reset: "statistics reset",
};

/** A change of the server in words. */
export function changeWords({ kind, subject, before, after }) {
  const what = KINDS[kind] ?? kind;
  const how = kind === "setting"
    ? `: ${before} → ${after}`
    : after && kind !== "mark" && kind !== "plan"
    ? ` ${after}`
    : "";
  return `${what} ${["server_start", "holdfast_start"].includes(kind) ? "" : subject}${how}`.trim();
}
