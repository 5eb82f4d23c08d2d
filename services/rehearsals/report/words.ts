import { bytesText } from "../../../lib/text/format.ts";
import { improvementWords } from "../../benchmarks/reporting/format.ts";
import { upgradeLines } from "../upgrade/judgement.ts";
import type { ClosedWays } from "../../../db/rehearsals/ways_out.ts";
import type { ChangeCost, Rehearsal, StatementResult } from "../rehearsal.ts";

/** Formats a duration with three digits. */
export const msWords = (ms: number | null): string =>
  ms === null ? "–" : ms >= 1_000 ? `${(ms / 1_000).toPrecision(3)} s` : `${ms.toPrecision(3)} ms`;

export const ratioWords = (value: number | null): string => improvementWords(value, "ratio");

export const shareWords = (share: number): string =>
  `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

export const intervalWords = (
  { ci_low, ci_high }: Pick<StatementResult, "ci_low" | "ci_high">,
): string => ci_low === null ? "–" : `${ratioWords(ci_low)} to ${ratioWords(ci_high)}`;

/** Sorts statements: worse ones first, then improved ones, then the rest; each group by its share of the time. */
export function inOrder(statements: readonly StatementResult[]): StatementResult[] {
  const rank = ["worse", "improved", "unclear", "not_measured", "no_difference"];
  return [...statements].sort((a, b) =>
    rank.indexOf(a.verdict) - rank.indexOf(b.verdict) || b.share - a.share
  );
}

/** Returns one line on how much of the load was replayed, and on which copy. */
export function coverageWords({ coverage, copy }: Rehearsal): string {
  const { statements, of, time_share } = coverage;
  const data = !copy
    ? "no copy was made"
    : copy.kind === "physical"
    ? `a copy of ${bytesText(copy.bytes)}, restored from backup ${copy.backup} of ${copy.taken_at}`
    : `a sample of ${shareWords(copy.sample_share)} of the rows, taken ${copy.taken_at}`;
  return `${statements} of ${of} statements, ${shareWords(time_share)} of the time; ${data}`;
}

/** Returns whether a statement was executed otherwise than before the change: by another plan, or with other temporary files. */
export const wasExecutedOtherwise = ({ plan_changed, plan_difference }: StatementResult): boolean =>
  plan_changed || plan_difference.some((line) => line.startsWith("temporary pages"));

/** Returns the cost of the change, one fact per line; none before it is made. */
export function costLines(
  { cost, upgrade, source }: Pick<Rehearsal, "cost" | "upgrade" | "source">,
): string[] {
  if (cost && source === "settings") {
    return ["How the server takes the setting over, by a reload or a restart, was not measured."];
  }
  return upgrade ? upgradeLines(upgrade) : cost ? changeLines(cost) : [];
}

function changeLines(cost: ChangeCost): string[] {
  const interval = cost.write_ci_low === null
    ? ""
    : ` (${ratioWords(cost.write_ci_low)} to ${ratioWords(cost.write_ci_high)})`;
  return [
    `It took ${msWords(cost.seconds * 1_000)}.`,
    cost.tables.length === 0
      ? "It names no table, so no client was there to be blocked."
      : `Longest read meanwhile: ${msWords(cost.reader_stall_ms)}; longest write: ${
        msWords(cost.writer_stall_ms)
      } (on ${cost.tables.join(", ")}).`,
    `The database ${cost.bytes < 0 ? "shrank" : "grew"} by ${bytesText(Math.abs(cost.bytes))}; ${
      bytesText(cost.wal_bytes)
    } of WAL were written.`,
    cost.write_improvement === null
      ? "What inserts cost was not measured."
      : `Inserts: ${ratioWords(cost.write_improvement)}${interval}.`,
  ];
}

const namedMax = 5;

/** Joins the first names; says how many more there are. */
function namesOf(names: readonly string[]): string {
  const rest = names.length - namedMax;
  return names.slice(0, namedMax).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** Returns what the copy does not do because it would reach outside, one sentence each. */
export function closedWords({ functions, triggers, foreignTables }: ClosedWays): string[] {
  return [
    ...functions.length === 0 ? [] : [
      `Functions of ${
        namesOf(functions)
      } are refused on the copy, because they may reach outside of it: statements that call them are not replayed`,
    ],
    ...triggers.length === 0 ? [] : [
      `Triggers with such functions are off on the copy, and writes are measured without them: ${
        namesOf(triggers)
      }`,
    ],
    ...foreignTables === 0 ? [] : [
      `The ${foreignTables} foreign table(s) cannot be used on the copy: statements that read or write them are not replayed`,
    ],
  ];
}
