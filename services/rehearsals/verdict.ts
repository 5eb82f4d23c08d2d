import { improvementWords } from "../benchmarks/reporting/format.ts";
import type {
  ChangeCost,
  ChangeSource,
  Coverage,
  RehearsalVerdict,
  StatementResult,
  StatementVerdict,
} from "./rehearsal.ts";

/** A change that saves less than this part of all statements' time is not worth it. */
const worthwhile = 0.02;
/** "No difference" needs at least this part of the time replayed, and at most that part unclear. */
const coverageMin = 0.5;
const unclearMax = 0.1;
/** Stalls longer than this are named in the summary; milliseconds. */
const stallNamedMs = 200;

export interface Judged {
  verdict: RehearsalVerdict;
  summary: string;
}

/** Returns the part of all time that an improvement of a statement saves; negative: costs. */
const savedBy = ({ share }: StatementResult, improvement: number) =>
  share * (1 - 1 / (1 + improvement));

/** Returns a statement in one line of at most 60 characters. */
export const shorten = (query: string) => {
  const line = query.replaceAll(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
};

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** Returns how a statement changed, with its interval. */
export function effectOf(one: StatementResult): string {
  const { improvement, ci_low, ci_high, query } = one;
  const words = (value: number | null) => improvementWords(value, "ratio");
  if (improvement === -1) return `fails: "${shorten(query)}"`;
  if (ci_low === null) return `${words(improvement)} or more for "${shorten(query)}"`;
  return `${words(improvement)} [${words(ci_low)}, ${words(ci_high)}] for "${shorten(query)}"`;
}

function costWords({ cost, source, writesUntouched }: Measured): string[] {
  // Of a setting, only the restart of the copies was timed.
  if (!cost || source === "settings") return [];
  const { write_improvement: write, write_ci_low: low, write_ci_high: high } = cost;
  const words = (value: number | null) => improvementWords(value, "ratio");
  const blocked = cost.locks.flatMap((lock) => lock.blocked);
  return [
    ...write === null
      ? []
      : writesUntouched
      ? ["inserts do the same as before"]
      : [`inserts ${words(write)} [${words(low)}, ${words(high)}]`],
    `${cost.seconds < 10 ? cost.seconds.toFixed(1) : Math.round(cost.seconds)} s to make`,
    ...cost.tables.length === 0 && blocked.length === 0 ? [] : [blockedWords(cost, blocked)],
  ];
}

/** Returns who of the clients that used the tables was blocked. */
function blockedWords(cost: ChangeCost, blocked: readonly string[]): string {
  return blocked.length > 0 && cost.worst_stall_ms > stallNamedMs
    ? `${[...new Set(blocked)].join(" and ")} were blocked for up to ${
      Math.round(cost.worst_stall_ms)
    } ms`
    : blocked.length > 0
    ? `${[...new Set(blocked)].join(" and ")} waited, ${Math.round(cost.worst_stall_ms)} ms at most`
    : "no client was blocked";
}

/** Returns how the rate of writes changed; better and worse need an interval beyond 3 %. */
function writesOf(
  { cost, writesUntouched }: Measured,
): "better" | "worse" | "same" | "unclear" | "unknown" {
  if (writesUntouched) return "same";
  if (!cost || cost.write_ci_low === null || cost.write_ci_high === null) return "unknown";
  if (cost.write_ci_low > 0.03) return "better";
  if (cost.write_ci_high < -0.03) return "worse";
  return cost.write_ci_low > -0.1 && cost.write_ci_high < 0.1 ? "same" : "unclear";
}

interface Measured {
  statements: readonly StatementResult[];
  coverage: Coverage;
  cost: ChangeCost | null;
  source?: ChangeSource;
  /** Changed settings that nothing of a replay depends on. */
  unseen?: readonly string[];
  /** Whether inserts do the same as before: a difference of their rate is then the machine's. */
  writesUntouched?: boolean;
}

/** The statements by verdict, and bounds of the part of all time that the change saves. */
interface Effects {
  improved: readonly StatementResult[];
  worse: readonly StatementResult[];
  /** Part of all time whose statements were not measured or stayed unclear. */
  open: number;
  /** Time saved by the lower bounds of the intervals. */
  savedMin: number;
  /** Time saved by their upper bounds. */
  savedMax: number;
}

/**
 * Judges a change by everything that was measured. Worse statements are named first. Claims only what intervals prove that
 * hold for all statements together. Pure.
 */
export function judgeChange(measured: Measured): Judged {
  const { coverage, unseen = [] } = measured;
  const effects = effectsOf(measured.statements);
  const isQuiet = effects.improved.length + effects.worse.length === 0;
  const { verdict, parts } = isQuiet && unseen.length > 0
    ? opinion(
      "cannot_tell",
      `Cannot tell: a replay does not commit, checkpoint, vacuum or build indexes, and shows nothing of ${
        unseen.join(", ")
      }`,
    )
    : judge(effects, coverage, writesOf(measured));
  const known = `${coverage.statements} of ${coverage.of} statements, ${
    percent(coverage.time_share)
  } of the time`;
  return {
    verdict,
    summary: `${parts.filter((part) => part !== "").join("; ")}; ${
      [...costWords(measured), known].join("; ")
    }`,
  };
}

function effectsOf(statements: readonly StatementResult[]): Effects {
  const of = (verdict: StatementVerdict) =>
    statements.filter((one) => one.verdict === verdict).sort((a, b) => b.share - a.share);
  const [improved, worse] = [of("improved"), of("worse")];
  const proven = [...improved, ...worse];
  const saved = (bound: (one: StatementResult) => number | null) =>
    proven.reduce((sum, one) => sum + savedBy(one, bound(one) ?? one.improvement ?? 0), 0);
  return {
    improved,
    worse,
    open: [...of("unclear"), ...of("not_measured")].reduce((sum, { share }) => sum + share, 0),
    savedMin: saved(({ ci_low }) => ci_low),
    savedMax: saved(({ ci_high }) => ci_high),
  };
}

const named = (some: readonly StatementResult[]) =>
  some.slice(0, 3).map(effectOf).join(", ") +
  (some.length > 3 ? ` and ${some.length - 3} more` : "");

interface Opinion {
  verdict: RehearsalVerdict;
  /** Parts of the summary; empty ones are left out. */
  parts: string[];
}

const opinion = (verdict: RehearsalVerdict, ...parts: string[]): Opinion => ({ verdict, parts });

function judge(effects: Effects, coverage: Coverage, writes: ReturnType<typeof writesOf>): Opinion {
  if (effects.worse.length > 0) return judgeWorse(effects, writes);
  if (effects.improved.length > 0) return judgeImproved(effects);
  return judgeNoDifference(effects, coverage, writes);
}

/** Judges a change that makes statements slower. */
function judgeWorse(
  { improved, worse, savedMin, savedMax }: Effects,
  writes: ReturnType<typeof writesOf>,
): Opinion {
  const first = `slower: ${named(worse)}`;
  const then = improved.length > 0 ? `faster: ${named(improved)}` : "";
  if (writes === "better" && savedMin > -worthwhile) {
    return opinion("cannot_tell", `Cannot tell: writes get faster, but ${first}`, then);
  }
  if (savedMax < 0 || improved.length === 0) return opinion("harmful", `Harmful: ${first}`, then);
  if (savedMin > worthwhile) {
    return opinion("worth_it", `Worth it on the whole, but ${first}`, then);
  }
  return opinion("cannot_tell", `Cannot tell: ${first}`, then);
}

/** Judges a change that makes statements faster and none slower. */
function judgeImproved({ improved, savedMin, savedMax }: Effects): Opinion {
  if (savedMin >= worthwhile) return opinion("worth_it", `Worth it: ${named(improved)}`);
  if (savedMax < worthwhile) {
    return opinion(
      "not_worth_it",
      `Not worth it: ${named(improved)}, but that is less than ${
        percent(worthwhile)
      } of all statements' time`,
    );
  }
  return opinion("cannot_tell", `Cannot tell whether it saves enough: ${named(improved)}`);
}

/** Judges a change that is not proven to make any statement faster or slower. */
function judgeNoDifference(
  { open }: Effects,
  coverage: Coverage,
  writes: ReturnType<typeof writesOf>,
): Opinion {
  if (coverage.statements === 0) {
    return opinion("cannot_tell", "Cannot tell: no statement could be replayed");
  }
  if (open > unclearMax * coverage.time_share) {
    return opinion(
      "cannot_tell",
      `Cannot tell: statements with ${percent(open)} of the time stayed unclear`,
    );
  }
  if (coverage.time_share < coverageMin) {
    return opinion(
      "cannot_tell",
      "Cannot tell: no statement differs, but too few of them could be replayed",
    );
  }
  if (writes === "better") {
    return opinion("worth_it", "Worth it: writes get faster, no statement slower");
  }
  const and = writes === "worse" ? ", and writes get slower" : "";
  return opinion("not_worth_it", `Not worth it: no statement gets faster${and}`);
}
