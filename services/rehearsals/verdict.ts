import { improvementWords } from "../benchmarks/reporting/format.ts";
import type {
  ChangeCost,
  Coverage,
  RehearsalVerdict,
  StatementResult,
  StatementVerdict,
} from "./rehearsal.ts";

/** Less of all statements' time than this is not worth a change. */
const worthwhile = 0.02;
/** "Nothing differs" may be said when this much of the time was replayed, and no more than that stayed unclear. */
const coverageMin = 0.5;
const unclearMax = 0.1;
/** A stall longer than this is named in the summary; milliseconds. */
const stallNamedMs = 200;

export interface Judged {
  verdict: RehearsalVerdict;
  summary: string;
}

/** The part of all time that a statement gives back (negative: takes), by an improvement of it. */
const savedBy = ({ share }: StatementResult, improvement: number) =>
  share * (1 - 1 / (1 + improvement));

const shorten = (query: string) => {
  const line = query.replaceAll(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
};

const percent = (share: number) => `${Math.round(share * 100)} %`;

function effectOf(one: StatementResult): string {
  const { improvement, ci_low, ci_high, query } = one;
  const words = (value: number | null) => improvementWords(value, "ratio");
  if (improvement === -1) return `fails: "${shorten(query)}"`;
  if (ci_low === null) return `${words(improvement)} or more for "${shorten(query)}"`;
  return `${words(improvement)} [${words(ci_low)}, ${words(ci_high)}] for "${shorten(query)}"`;
}

function costWords(cost: ChangeCost | null): string[] {
  if (!cost) return [];
  const { write_improvement: write, write_ci_low: low, write_ci_high: high } = cost;
  const words = (value: number | null) => improvementWords(value, "ratio");
  const blocked = cost.locks.flatMap((lock) => lock.blocked);
  return [
    ...write === null ? [] : [`inserts ${words(write)} [${words(low)}, ${words(high)}]`],
    `${cost.seconds < 10 ? cost.seconds.toFixed(1) : Math.round(cost.seconds)} s to make`,
    blocked.length > 0 && cost.worst_stall_ms > stallNamedMs
      ? `${[...new Set(blocked)].join(" and ")} stood still for up to ${
        Math.round(cost.worst_stall_ms)
      } ms`
      : blocked.length > 0
      ? `${[...new Set(blocked)].join(" and ")} waited, ${
        Math.round(cost.worst_stall_ms)
      } ms at most`
      : "nobody was blocked",
  ];
}

/** Whether the cost of a write is proven to have changed: the interval leaves three per cent out on one side. */
function writesOf(cost: ChangeCost | null): "better" | "worse" | "same" | "unclear" | "unknown" {
  if (!cost || cost.write_ci_low === null || cost.write_ci_high === null) return "unknown";
  if (cost.write_ci_low > 0.03) return "better";
  if (cost.write_ci_high < -0.03) return "worse";
  return cost.write_ci_low > -0.1 && cost.write_ci_high < 0.1 ? "same" : "unclear";
}

/**
 * Judges a change by all that was measured. Worse statements are named first. Whatever is not proven, by intervals that hold
 * for all statements together, is not said. Pure.
 */
export function judgeChange(
  { statements, coverage, cost }: {
    statements: readonly StatementResult[];
    coverage: Coverage;
    cost: ChangeCost | null;
  },
): Judged {
  const of = (verdict: StatementVerdict) =>
    statements.filter((one) => one.verdict === verdict).sort((a, b) => b.share - a.share);
  const [improved, worse, unclear] = [of("improved"), of("worse"), of("unclear")];
  const unknown = statements.filter(({ verdict }) => verdict === "not_measured");
  // From the side that is worse for the change, and from the side that is better.
  const pessimistic = [...improved, ...worse]
    .reduce((sum, one) => sum + savedBy(one, one.ci_low ?? one.improvement ?? 0), 0);
  const optimistic = [...improved, ...worse]
    .reduce((sum, one) => sum + savedBy(one, one.ci_high ?? one.improvement ?? 0), 0);
  const writes = writesOf(cost);
  const known = `${coverage.statements} of ${coverage.of} statements, ${
    percent(coverage.time_share)
  } of the time`;
  const tell = (verdict: RehearsalVerdict, ...parts: string[]): Judged => ({
    verdict,
    summary: `${parts.filter((part) => part !== "").join("; ")}; ${
      [...costWords(cost), known].join("; ")
    }`,
  });
  const named = (some: readonly StatementResult[]) =>
    some.slice(0, 3).map(effectOf).join(", ") +
    (some.length > 3 ? ` and ${some.length - 3} more` : "");

  if (worse.length > 0) {
    const first = `slower: ${named(worse)}`;
    const then = improved.length > 0 ? `faster: ${named(improved)}` : "";
    if (writes === "better" && pessimistic > -worthwhile) {
      return tell("cannot_tell", `Cannot tell: writes get faster, but ${first}`, then);
    }
    if (optimistic < 0 || improved.length === 0) return tell("harmful", `Harmful: ${first}`, then);
    if (pessimistic > worthwhile) {
      return tell("worth_it", `Worth it on the whole, but ${first}`, then);
    }
    return tell("cannot_tell", `Cannot tell: ${first}`, then);
  }
  if (improved.length > 0) {
    if (pessimistic >= worthwhile) return tell("worth_it", `Worth it: ${named(improved)}`);
    if (optimistic < worthwhile) {
      return tell(
        "not_worth_it",
        `Not worth it: ${named(improved)}, but that is less than ${
          percent(worthwhile)
        } of all statements' time`,
      );
    }
    return tell("cannot_tell", `Cannot tell whether it saves enough: ${named(improved)}`);
  }
  if (coverage.statements === 0) {
    return tell("cannot_tell", "Cannot tell: no statement could be replayed");
  }
  const open = [...unclear, ...unknown].reduce((sum, { share }) => sum + share, 0);
  if (open > unclearMax * coverage.time_share) {
    return tell(
      "cannot_tell",
      `Cannot tell: statements with ${percent(open)} of the time stayed unclear`,
    );
  }
  if (coverage.time_share < coverageMin) {
    return tell(
      "cannot_tell",
      "Cannot tell: no statement differs, but too few of them could be replayed",
    );
  }
  if (writes === "better") {
    return tell("worth_it", "Worth it: writes get faster, no statement slower");
  }
  return tell(
    "not_worth_it",
    `Not worth it: no statement gets faster${writes === "worse" ? ", and writes get slower" : ""}`,
  );
}
