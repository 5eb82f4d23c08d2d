import type { BenchmarkRun } from "../run.ts";
import { figureWords, improvementWords } from "./format.ts";

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** Renders a run as Markdown; marks the cases that `informs`. Pure. */
export function markdownReport(run: BenchmarkRun, informs: (id: string) => boolean): string {
  const rows = run.results.map((result) => {
    const improvement = (value: number | null) => improvementWords(value, result.target_unit);
    return [
      result.case,
      figureWords(result.baseline, result.unit),
      figureWords(result.candidate, result.unit),
      improvement(result.improvement),
      `${improvement(result.ci_low)} to ${improvement(result.ci_high)}`,
      `${improvementWords(result.null_ci_low, "ratio")} to ${
        improvementWords(result.null_ci_high, "ratio")
      }`,
      improvement(result.target),
      informs(result.case) ? `${result.verdict} (informs only)` : result.verdict,
      String(result.samples),
    ].map(cell).join(" | ");
  });
  const facts = Object.entries(run.environment).map(([name, value]) =>
    `| ${cell(name)} | ${cell(String(value))} |`
  );
  return `# Benchmark run ${run.id}

${run.profile}, ${run.status}, started ${run.started_at}, finished ${
    run.finished_at ?? "not yet"
  }, seed ${run.seed}.${run.error ? `\n\n${run.error}` : ""}

| case | baseline | candidate | improvement | 95 % interval | null | target | verdict | blocks |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join("\n")}

## Why

${run.results.map(({ case: id, why }) => `- **${id}**: ${why}`).join("\n")}

## Environment

| setting | value |
| --- | --- |
${facts.join("\n")}
`;
}
