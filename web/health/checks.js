// The checks behind the status: read in any form, shown in one sentence or one by one.
import { serverNow } from "../lib/clock.js";
import { moment, words } from "../lib/format.js";

const GOOD = new Set(["healthy", "pass", "ok", "up"]);

/** A detail with its moments as people read them. */
const withMoments = (detail) =>
  detail?.replaceAll(
    /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
    (iso) => `${moment(Date.parse(iso), serverNow())} UTC`,
  );

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
      detail: withMoments(one?.detail ?? one?.message ?? one?.output ?? one?.reason) ?? null,
    };
  });
}

/** One check in words: plain ones first, an errno or code only where there is nothing else. */
export function sayCheck(check) {
  const detail = String(check.detail ?? "").replace(/\.$/, "");
  if (detail === "") return `${check.name} is ${check.status}`;
  const plain = PLAIN.find(([pattern]) => pattern.test(detail));
  return plain ? plain[1] : detail.replace(/^(no answer since [^;]+? UTC): (.+)$/s, "$2: $1");
}

/** Explains network error codes. */
const PLAIN = [
  [
    /ECONNREFUSED|connection refused/i,
    "The database refuses connections: it is stopped or starting",
  ],
  [/ENOENT.*PGSQL|no such file.*PGSQL/i, "The database is not running: its socket does not exist"],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i, "The database cannot be reached over the network"],
  [/ECONNRESET|CONNECTION_(CLOSED|ENDED|DESTROYED)/i, "The connection to the database was lost"],
  [/ENOTFOUND|EAI_AGAIN/i, "The database's host name cannot be resolved"],
];

/** Why the status is what it is, in one sentence: the first failing checks, worst first. */
export function explain(status, checks) {
  const weight = (check) => ["unhealthy", "fail", "degraded", "warn"].indexOf(check.status);
  const failing = checks.filter((check) => weight(check) >= 0)
    .sort((a, b) => weight(a) - weight(b));
  const unknown = checks.filter((check) => weight(check) < 0 && !GOOD.has(check.status));
  const told = failing.slice(0, 2).map((check) => sayCheck(check));
  if (failing.length > told.length) told.push(`and ${failing.length - told.length} more`);
  if (unknown.length > 0) {
    const names = unknown.slice(0, 3).map((check) => check.name.toLowerCase()).join(", ");
    told.push(`unknown: ${names}${unknown.length > 3 ? `, and ${unknown.length - 3} more` : ""}`);
  }
  if (told.length > 0) return `${told.join("; ")}.`;
  if (status !== "healthy") return "No failing check is reported.";
  return checks.length > 0 ? `All ${checks.length} checks pass.` : "No check fails.";
}
