// The lines of the overview in words, each with its tone. Pure but for the clock.
import { serverNow } from "../lib/clock.js";
import { ago, bytes, counted, duration } from "../lib/format.js";
import { toneFor } from "../metrics/units.js";

/** As many feeds as /api/health/database has: the most recently active ones. */
const FEEDS_SHOWN = 50;

/** Each line of the summary as `[tone, text]`. */
export function backupLine(answer, rules) {
  if (!answer.data) {
    return ["unknown", answer.error ? "the list of backups cannot be read" : "asking"];
  }
  const done = answer.data.backups.filter(({ status }) => status === "complete");
  const running = answer.data.backups.some(({ status }) => status === "running");
  const failed = answer.data.backups[0]?.status === "failed" ? "the last backup failed; " : "";
  if (done.length === 0) {
    if (answer.data.next_cursor) return ["bad", "none of the newest backups is complete"];
    if (failed) return ["bad", `${failed}there is no other`];
    return [running ? "info" : "warn", running ? "the first backup is running" : "no backup yet"];
  }
  const last = serverNow() - Date.parse(done[0].finished_at);
  const proven =
    done.filter(({ proven_at }) => proven_at).map(({ proven_at }) => Date.parse(proven_at)).sort((
      a,
      b,
    ) => b - a)[0];
  const age = toneFor(rules.get("backup_age"), last / 1000);
  const proof = proven
    ? toneFor(rules.get("backup_unproven"), (serverNow() - proven) / 1000)
    : "warn";
  const tone =
    ["bad", "warn", "unknown"].find((one) => [age, proof, failed && "warn"].includes(one)) ??
      (age === "plain" ? "info" : "good");
  return [
    tone,
    `${failed}taken ${ago(last)}, ${bytes(done[0].bytes)}; ${
      proven ? `restored on trial ${ago(serverNow() - proven)}` : "never restored on trial"
    }`,
  ];
}

export function feedLine(ingest, rule) {
  const feeds = ingest?.feeds ?? [];
  if (!ingest) return ["unknown", "not known"];
  if (feeds.length === 0) return ["info", "no ticks since the start"];
  const oldest = feeds.toSorted((a, b) => (b.age_seconds ?? 0) - (a.age_seconds ?? 0))[0];
  const judged = toneFor(rule, oldest.age_seconds);
  // A feed that has stopped is not among the most recently active ones.
  const isPart = feeds.length >= FEEDS_SHOWN;
  const tone = isPart && judged === "good" ? "plain" : judged;
  const refused = ingest.quarantined > 0
    ? `; ${counted(ingest.quarantined, "row")} quarantined`
    : "";
  return [
    tone === "plain" ? "info" : tone,
    `${isPart ? `the ${feeds.length} most active symbols` : counted(feeds.length, "symbol")}, ${
      isPart ? "of which the oldest" : "the oldest"
    } ${oldest.symbol} ${duration(oldest.age_seconds)} old${refused}`,
  ];
}
