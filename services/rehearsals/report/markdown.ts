import type { Rehearsal, StatementResult } from "../rehearsal.ts";
import {
  costLines,
  coverageWords,
  inOrder,
  intervalWords,
  msWords,
  ratioWords,
  shareWords,
  wasExecutedOtherwise,
} from "./words.ts";

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
const fenced = (text: string, language = "") => `\`\`\`${language}\n${text}\n\`\`\``;

function row(one: StatementResult): string {
  return [
    one.verdict,
    ratioWords(one.improvement),
    intervalWords(one),
    msWords(one.before_ms),
    msWords(one.after_ms),
    shareWords(one.share),
    one.params,
    `\`${cell(one.query).slice(0, 120)}\``,
  ].map(cell).join(" | ");
}

function plans(one: StatementResult): string {
  return `### ${cell(one.query).slice(0, 120)}

${one.plan_difference.map((line) => `- ${line}`).join("\n")}

Before:

${fenced(one.plan_before ?? "")}

After:

${fenced(one.plan_after ?? "")}`;
}

const section = (title: string, text: string) => text === "" ? "" : `\n## ${title}\n\n${text}\n`;

/** Returns a rehearsal as a Markdown document. Pure. */
export function markdownReport(rehearsal: Rehearsal): string {
  const { id, status, verdict, summary, cost, problems, uncovered } = rehearsal;
  const statements = inOrder(rehearsal.statements);
  const table = statements.length === 0
    ? ""
    : `| verdict | improvement | 95 % interval | before | after | share | params | statement |
| --- | --- | --- | --- | --- | --- | --- | --- |
${statements.map((one) => `| ${row(one)} |`).join("\n")}`;
  const locks = cost && cost.locks.length > 0
    ? `\n\n| lock | relation | held | waited for it |\n| --- | --- | --- | --- |\n${
      cost.locks.map(({ lock, relation, held_ms, blocked }) =>
        `| ${lock} | ${cell(relation)} | ${msWords(held_ms)} | ${blocked.join(", ") || "nobody"} |`
      ).join("\n")
    }`
    : "";
  return `# Rehearsal ${id}

**${summary ?? `No verdict: ${status}`}**${verdict ? `\n\nVerdict: \`${verdict}\`.` : ""}

Coverage: ${coverageWords(rehearsal)}.

${
    fenced(
      rehearsal.change,
      rehearsal.source === "sql" || rehearsal.source === "recommendation" ? "sql" : "",
    )
  }
${section("Problems", problems.map((problem) => `- ${problem}`).join("\n"))}${
    section("Statements", table)
  }${section("The change itself", costLines(rehearsal).join("\n") + locks)}${
    section(
      "Plans that changed",
      statements.filter(wasExecutedOtherwise).map(plans).join("\n\n"),
    )
  }${
    section(
      "Missing indexes",
      rehearsal.candidates.map(({ id, detail, sql }) =>
        `- \`${sql}\` (advice ${id}): ${cell(detail)}`
      ).join("\n"),
    )
  }${
    section(
      "Not replayed",
      uncovered.map(({ query, share, reason }) =>
        `- ${shareWords(share)}: \`${cell(query).slice(0, 120)}\`: ${cell(reason)}`
      ).join("\n"),
    )
  }
Profile ${rehearsal.profile}, seed ${rehearsal.seed}, ${rehearsal.created_at} to ${
    rehearsal.finished_at ?? "now"
  }.
`;
}
