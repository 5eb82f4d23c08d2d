import { scales } from "../categories.ts";
import type { BenchmarkResult, BenchmarkRun } from "../run.ts";
import { figureWords, improvementWords } from "./format.ts";

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);

const width = 360;
const height = 34;
const colours: Record<string, string> = {
  pass: "#1a7f4b",
  fail: "#b3261e",
  inconclusive: "#8a6100",
  not_measured: "#6b7280",
};

/** Draws the interval, the null and the target of one case on a logarithmic axis as SVG. */
function intervalPlot(result: BenchmarkResult): string {
  const { toLog } = scales[result.target_unit];
  const { improvement, ci_low, ci_high, target } = result;
  if (improvement === null || ci_low === null || ci_high === null) return "";
  const isRatio = result.target_unit === "ratio";
  const aaNull = isRatio && result.null_ci_low !== null && result.null_ci_high !== null
    ? [toLog(result.null_ci_low), toLog(result.null_ci_high)] as const
    : undefined;
  const marks = [
    toLog(ci_low),
    toLog(ci_high),
    toLog(target),
    ...(isRatio ? [0] : []),
    ...aaNull ?? [],
  ];
  const least = Math.min(...marks);
  const span = Math.max(...marks) - least || 1;
  const x = (log: number) => (10 + (log - least) / span * (width - 20)).toFixed(1);
  const line = (from: number, to: number, y: number, colour: string, thick: number) =>
    `<line x1="${x(from)}" x2="${
      x(to)
    }" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="${thick}"/>`;
  const upright = (at: number, colour: string, dash: string) =>
    `<line x1="${x(at)}" x2="${x(at)}" y1="2" y2="${height - 2}" stroke="${colour}"${dash}/>`;
  const colour = colours[result.verdict] ?? "#6b7280";
  const label = `${improvementWords(ci_low, result.target_unit)} to ${
    improvementWords(ci_high, result.target_unit)
  }, target ${improvementWords(target, result.target_unit)}`;
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${
    escape(label)
  }">
${isRatio ? upright(0, "#c4c7cc", "") : ""}
${upright(toLog(target), "#111827", ' stroke-dasharray="3 3"')}
${aaNull ? line(aaNull[0], aaNull[1], 26, "#c4c7cc", 3) : ""}
${line(toLog(ci_low), toLog(ci_high), 13, colour, 4)}
<circle cx="${x(toLog(improvement))}" cy="13" r="5" fill="${colour}"/>
</svg>`;
}

function row(result: BenchmarkResult, informs: boolean): string {
  const improvement = (value: number | null) => escape(improvementWords(value, result.target_unit));
  return `<tr>
<th scope="row">${escape(result.case)}</th>
<td>${escape(figureWords(result.baseline, result.unit))}</td>
<td>${escape(figureWords(result.candidate, result.unit))}</td>
<td>${improvement(result.improvement)}<br><small>${improvement(result.ci_low)} to ${
    improvement(result.ci_high)
  }</small></td>
<td>${improvement(result.target)}</td>
<td>${intervalPlot(result)}</td>
<td class="${informs ? "informs" : escape(result.verdict)}">${
    escape(result.verdict)
  }<br><small>${result.samples} blocks${informs ? "; informs only" : ""}</small></td>
</tr>
<tr><td colspan="7" class="why">${escape(result.why)}</td></tr>`;
}

/**
 * Renders a run as an HTML page without scripts, with each interval plotted against its target and its null. A case that
 * `informs` does not count towards its category. Pure.
 */
export function htmlReport(run: BenchmarkRun, informs: (id: string) => boolean): string {
  const facts = Object.entries(run.environment).map(([name, value]) =>
    `<tr><th scope="row">${escape(name)}</th><td>${escape(String(value))}</td></tr>`
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmark run ${escape(run.id)}</title>
<link rel="stylesheet" href="/assets/report.css">
</head>
<body>
<h1>Benchmark run</h1>
<p>${escape(run.id)}: ${escape(run.profile)}, ${escape(run.status)}, started ${
    escape(run.started_at)
  }, finished ${escape(run.finished_at ?? "not yet")}, seed ${run.seed}.</p>
${run.error ? `<p class="fail">${escape(run.error)}</p>` : ""}
<p>Thick: the 95 % interval of the improvement. Thin, grey: an arm against itself. Dashed: the target. The axis is
logarithmic, so that twice and half are equally far from no change.</p>
<table>
<thead><tr><th>case</th><th>baseline</th><th>candidate</th><th>improvement</th><th>target</th><th>interval</th><th>verdict</th></tr></thead>
<tbody>
${run.results.map((result) => row(result, informs(result.case))).join("\n")}
</tbody>
</table>
<h2>Environment</h2>
<table><tbody>
${facts.join("\n")}
</tbody></table>
</body>
</html>
`;
}
