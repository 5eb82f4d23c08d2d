// The checks behind the verdict: read in any shape, told in one sentence or one by one.
import { h } from "./dom.js";
import { words } from "./format.js";
import { icon } from "./icons.js";

const GOOD = new Set(["healthy", "pass", "ok", "up"]);

/** The checks of /api/health as rows `{ name, status, detail }`, from a list or an object. */
export function readChecks(checks) {
  const rows = Array.isArray(checks)
    ? checks.map((check, index) => [check?.name ?? `check ${index + 1}`, check])
    : Object.entries(checks ?? {});
  return rows.map(([name, check]) => {
    const one = Array.isArray(check) ? check[0] : check;
    return {
      name: words(one?.name ?? name),
      status: String(one?.status ?? (typeof one === "string" ? one : "unknown")),
      detail: one?.detail ?? one?.message ?? one?.output ?? one?.reason ?? null,
    };
  });
}

/** Why the status is what it is, in one sentence: the first failing checks, worst first. */
export function explain(status, checks) {
  const weight = (check) => ["unhealthy", "fail", "degraded", "warn"].indexOf(check.status);
  const failing = checks.filter((check) => weight(check) >= 0)
    .sort((a, b) => weight(a) - weight(b));
  const unknown = checks.filter((check) => weight(check) < 0 && !GOOD.has(check.status));
  const told = failing.slice(0, 2).map((check) =>
    check.detail ? String(check.detail).replace(/\.$/, "") : `${check.name} is ${check.status}`
  );
  if (failing.length > told.length) told.push(`and ${failing.length - told.length} more`);
  if (unknown.length > 0) {
    const names = unknown.slice(0, 3).map((check) => check.name.toLowerCase()).join(", ");
    told.push(`unknown: ${names}${unknown.length > 3 ? `, and ${unknown.length - 3} more` : ""}`);
  }
  if (told.length > 0) return `${told.join("; ")}.`;
  if (status !== "healthy") return "Holdfast names no failing check.";
  return checks.length > 0 ? `All ${checks.length} checks pass.` : "Nothing is wrong.";
}

/** One check as a line of the list. */
export function checkRow(check) {
  const word = GOOD.has(check.status)
    ? "healthy"
    : { warn: "warning", degraded: "warning", fail: "fail", unhealthy: "fail" }[check.status];
  return h(
    "li",
    {},
    icon(word ?? "unknown", 16),
    h(
      "span",
      {},
      h("b", {}, check.name),
      ` ${check.status}`,
      check.detail ? `: ${check.detail}` : "",
    ),
  );
}
