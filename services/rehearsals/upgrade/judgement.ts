import { bytesText, durationText } from "../../../lib/text/format.ts";
import type { Rehearsal, StatementResult, UpgradeCost } from "../rehearsal.ts";
import { effectOf } from "../verdict.ts";

const namedMax = 3;

const took = (seconds: number) => seconds < 10 ? `${seconds.toFixed(1)} s` : durationText(seconds);

function named(some: readonly StatementResult[]): string {
  const byShare = some.toSorted((a, b) => b.share - a.share);
  const rest = some.length - namedMax;
  return byShare.slice(0, namedMax).map(effectOf).join(", ") +
    (rest > 0 ? ` and ${rest} more` : "");
}

const statements = (count: number) => count === 1 ? "1 statement" : `${count} statements`;

/** Returns what a move took, one fact per line. */
export function upgradeLines(upgrade: UpgradeCost): string[] {
  const { rows, tables, bytes_before, bytes_after } = upgrade;
  return [
    `The move by dump and copy took ${took(upgrade.seconds)}: schema ${
      took(upgrade.schema_seconds)
    }, rows ${took(upgrade.rows_seconds)}, indexes and constraints ${
      took(upgrade.indexes_seconds)
    }, statistics ${took(upgrade.statistics_seconds)}.`,
    `All ${rows} rows of ${tables} tables, every object and every sequence are the same (count and SHA-256 of each table); comparing them took ${
      took(upgrade.compare_seconds)
    }.`,
    `The database has ${bytesText(bytes_before)} in Postgres ${upgrade.from_major} and ${
      bytesText(bytes_after)
    } in Postgres ${upgrade.to_major}.`,
  ];
}

/**
 * Returns the summary of an upgrade's rehearsal: the statements that become slower first, then the others by their verdict, and
 * what the move took. Undefined for every other change. Pure.
 */
export function judgeUpgrade(
  { upgrade, statements: measured, coverage }: Pick<
    Rehearsal,
    "upgrade" | "statements" | "coverage"
  >,
): { summary: string } | undefined {
  if (!upgrade) return undefined;
  const { from_major, to_major, rows, bytes_before, seconds } = upgrade;
  const of = (...verdicts: StatementResult["verdict"][]) =>
    measured.filter(({ verdict }) => verdicts.includes(verdict));
  const [worse, improved] = [of("worse"), of("improved")];
  const open = of("unclear", "not_measured").length;
  const same = of("no_difference").length;
  const parts = [
    worse.length > 0 ? `slower: ${named(worse)}` : "no statement is proven slower",
    ...improved.length > 0 ? [`faster: ${named(improved)}`] : [],
    ...same > 0 ? [`${statements(same)} without a difference`] : [],
    ...open > 0 ? [`${statements(open)} unclear`] : [],
    `moved ${bytesText(bytes_before)} in ${took(seconds)}, ${rows} rows equal`,
    `${coverage.statements} of ${coverage.of} statements, ${
      Math.round(coverage.time_share * 100)
    } % of the time`,
  ];
  return { summary: `Postgres ${from_major} to ${to_major}: ${parts.join("; ")}` };
}
